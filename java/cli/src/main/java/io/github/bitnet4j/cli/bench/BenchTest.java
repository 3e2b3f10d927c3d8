package io.github.bitnet4j.cli.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * One of llama-bench's tests.
 *
 * @param prefill whether tokens go in as one prompt ({@code pp}) or one by one ({@code tg})
 * @param tokens  tokens of a run
 * @param depth   tokens that are in the context before it
 */
public record BenchTest(boolean prefill, int tokens, int depth) {

    /** All tests of the options' lists, depth by depth; a count of 0 leaves a kind out. */
    public static List<BenchTest> of(List<Integer> prompts, List<Integer> generations, List<Integer> depths) {
        List<BenchTest> tests = new ArrayList<>();
        for (int depth : depths) {
            prompts.stream().filter(n -> n > 0).forEach(n -> tests.add(new BenchTest(true, n, depth)));
            generations.stream().filter(n -> n > 0).forEach(n -> tests.add(new BenchTest(false, n, depth)));
        }
        return tests;
    }

    /** llama-bench's name: {@code pp512}, {@code tg128 @ d4096}. */
    public String name() {
        return (prefill ? "pp" : "tg") + tokens + (depth == 0 ? "" : " @ d" + depth);
    }

    /** Positions that a run needs. */
    public int positions() {
        return depth + tokens;
    }
}
