package io.github.bitnet4j.cli.bench;

/** Short times, on a machine that others may use too: the shortest of many is the least disturbed. */
final class Seconds {
    private Seconds() {}

    /** The shortest of at least {@code runs} runs, and of as many as begin within {@code seconds}. */
    static double shortest(int runs, double seconds, Runnable run) {
        long began = System.nanoTime();
        long best = Long.MAX_VALUE;
        for (int i = 0; i < runs || (System.nanoTime() - began) / 1e9 < seconds; i++) {
            long start = System.nanoTime();
            run.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return best / 1e9;
    }
}
