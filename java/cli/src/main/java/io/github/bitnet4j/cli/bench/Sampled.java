package io.github.bitnet4j.cli.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

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

    /** One for each program, setting, test and number of threads, with the runs of all that agree in these. */
    static List<Sampled> pooled(List<Sampled> some) {
        Map<List<Object>, Sampled> pools = new LinkedHashMap<>();
        some.forEach(one -> pools.merge(List.of(one.program, one.setting, one.test, one.threads), one, Sampled::with));
        return List.copyOf(pools.values());
    }

    private Sampled with(Sampled other) {
        return new Sampled(program, setting, test, threads,
                DoubleStream.concat(Arrays.stream(samples), Arrays.stream(other.samples)).toArray());
    }

    double median() {
        return median(samples);
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    public Sampled called(String name) {
        return new Sampled(name, setting, test, threads, samples);
    }
}
