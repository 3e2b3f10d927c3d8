package io.github.bitnet4j.cli.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How long generated tokens took, in milliseconds.
 *
 * @param p50        half of the tokens took no longer
 * @param p99        99 % took no longer
 * @param max        the slowest
 * @param p99OverP50 what pauses and neighbours cost
 * @param histogram  from the fastest to the slowest, each bucket 5 % wider than the one before
 */
public record Latency(double p50, double p90, double p99, double max, double p99OverP50, List<Bucket> histogram) {
    private static final double GROWTH = 1.05;

    /** Tokens that took more than {@code from} and at most {@code to}; the first bucket includes its {@code from}. */
    public record Bucket(double from, double to, int tokens) {}

    static Latency of(long[] nanos) {
        double[] times = Arrays.stream(nanos).mapToDouble(n -> n / 1e6).sorted().toArray();
        return new Latency(quantile(times, 0.5), quantile(times, 0.9), quantile(times, 0.99), times[times.length - 1], tail(times),
                histogram(times));
    }

    /** The p99 of some times over their p50. */
    static double tail(double[] times) {
        double[] sorted = Arrays.stream(times).sorted().toArray();
        return quantile(sorted, 0.99) / quantile(sorted, 0.5);
    }

    /** The smallest time that at least this share of the tokens did not exceed. */
    private static double quantile(double[] sorted, double share) {
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    private static List<Bucket> histogram(double[] sorted) {
        List<Bucket> buckets = new ArrayList<>();
        double from = sorted[0];
        for (int i = 0; i < sorted.length;) {
            double to = from * GROWTH;
            int first = i;
            while (i < sorted.length && sorted[i] <= to) {
                i++;
            }
            buckets.add(new Bucket(from, to, i - first));
            from = to;
        }
        return List.copyOf(buckets);
    }
}
