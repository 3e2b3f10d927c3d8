package io.github.bitnet4j.sampling;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Time and allocation of one token out of 128,256 logits, by options; not a test. */
final class SamplerSpeed {

    private static final int TOKENS = 128_256;
    private static final int RUNS = 2000;

    private SamplerSpeed() {}

    public static void main(String[] arguments) {
        SplittableRandom random = new SplittableRandom(1);
        float[] logits = new float[TOKENS];
        for (int i = 0; i < TOKENS; i++) {
            logits[i] = (float) (random.nextGaussian() * 3);
        }
        SamplingOptions options = SamplingOptions.DEFAULT.withSeed(1);
        measure("greedy", SamplingOptions.GREEDY, logits);
        measure("top-k 40, top-p 0.9", options, logits);
        measure("top-k 40, penalties", options.withRepetitionPenalty(1.1f), logits);
        measure("top-k 10000", options.withTopK(10_000), logits);
        measure("top-k 0, top-p 0.9", options.withTopK(0), logits);
        measure("top-k 0, min-p 0.05", options.withTopK(0).withTopP(1).withMinP(0.05f), logits);
        measure("temperature only", options.withTopK(0).withTopP(1), logits);
    }

    private static void measure(String name, SamplingOptions options, float[] logits) {
        Sampler sampler = new Sampler(options);
        float[] buffer = new float[TOKENS];
        long[] nanos = new long[RUNS];
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = 0;
        for (int run = 0; run < RUNS; run++) {
            if (run == RUNS / 2) {
                allocated = threads.getCurrentThreadAllocatedBytes();
            }
            System.arraycopy(logits, 0, buffer, 0, TOKENS);
            long start = System.nanoTime();
            sampler.sample(buffer);
            nanos[run] = System.nanoTime() - start;
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - allocated;
        Arrays.sort(nanos, RUNS / 2, RUNS);
        System.out.printf("%-20s median %5.0f us, best %5.0f us, %.1f bytes allocated a token%n", name, nanos[RUNS * 3 / 4] / 1e3,
                nanos[RUNS / 2] / 1e3, allocated / (RUNS / 2.0));
    }
}
