package io.github.bitnet4j.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * One of llama-bench's tests.
 *
 * @param prefill whether tokens go in as one prompt ({@code pp}) or one by one ({@code tg})
 * @param tokens  tokens of a run
 * @param depth   tokens that are in the context before it
 */
record BenchTest(boolean prefill, int tokens, int depth) {

    /** All tests of the options' lists, depth by depth; a count of 0 leaves a kind out. */
    static List<BenchTest> of(List<Integer> prompts, List<Integer> generations, List<Integer> depths) {
        List<BenchTest> tests = new ArrayList<>();
        for (int depth : depths) {
            prompts.stream().filter(n -> n > 0).forEach(n -> tests.add(new BenchTest(true, n, depth)));
            generations.stream().filter(n -> n > 0).forEach(n -> tests.add(new BenchTest(false, n, depth)));
        }
        return tests;
    }

    /** llama-bench's name: {@code pp512}, {@code tg128 @ d4096}. */
    String name() {
        return (prefill ? "pp" : "tg") + tokens + (depth == 0 ? "" : " @ d" + depth);
    }

    /** Positions that a run needs. */
    int positions() {
        return depth + tokens;
    }

    /**
     * Bytes that a run must read: the weights once a pass, and for each token the keys and values before it. The
     * output head is read by the passes that end in logits: each generated token, and the last of a prompt.
     */
    double bytesRead(long weights, long head, long kvBytes, int batch) {
        double passes = prefill ? Math.ceilDiv(tokens, batch) : tokens;
        double heads = prefill ? 1 : tokens;
        double positions = prefill
                ? passes * (depth + tokens / 2.0) // rows of a pass share the reading
                : tokens * (depth + (tokens + 1) / 2.0);
        return passes * (weights - head) + heads * head + positions * kvBytes;
    }
}
