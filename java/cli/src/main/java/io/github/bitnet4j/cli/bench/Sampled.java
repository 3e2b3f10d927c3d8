package io.github.bitnet4j.cli.bench;

import java.util.List;

/**
 * A test as any program measured it.
 *
 * @param program which one, of which build
 * @param setting how it ran
 * @param test    llama-bench's name
 * @param threads that computed
 * @param samples tokens a second of each run
 */
public record Sampled(String program, List<String> setting, String test, int threads, double[] samples) {
    static Sampled of(TestResult result) {
        return new Sampled("bitnet4j", result.words(), result.test(), result.setting().threads(), result.samples());
    }

    public Sampled called(String name) {
        return new Sampled(name, setting, test, threads, samples);
    }
}
