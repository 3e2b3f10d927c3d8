package io.github.bitnet4j.cli.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * The same test by two programs, or by one in two settings: the medians of their tokens a second over all runs, the ratio of
 * the geometric means, and Welch's 95 % confidence interval of the difference of the means of the logarithms.
 *
 * @param test         llama-bench's name
 * @param threads      of both
 * @param setting      how it ran here
 * @param other        the other program
 * @param otherSetting and how it ran there
 * @param ours         tokens a second here, the median
 * @param theirs       tokens a second there, the median
 * @param ratio        ours / theirs
 * @param meanRatio    the same of geometric means
 * @param low          end of its interval; null when one side has a single run
 * @param high         the other end
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Comparison(String test, int threads, List<String> setting, String other, List<String> otherSetting, double ours,
                         double theirs, double ratio, double meanRatio, Double low, Double high) {
    private static final double CONFIDENCE = 0.95;

    /**
     * All pairs of equal tests with equal threads, each with its runs of all files; where the other side ran in the very
     * setting of ours, only with that.
     */
    public static List<Comparison> of(List<TestResult> ours, List<Sampled> theirs) {
        List<Comparison> comparisons = new ArrayList<>();
        List<Sampled> others = Sampled.pooled(theirs);
        for (Sampled mine : Sampled.pooled(ours.stream().map(Sampled::of).toList())) {
            List<Sampled> same = others.stream()
                    .filter(other -> other.test().equals(mine.test()) && other.threads() == mine.threads()).toList();
            List<Sampled> equal = same.stream().filter(other -> other.setting().equals(mine.setting())).toList();
            (equal.isEmpty() ? same : equal).forEach(other -> comparisons.add(of(mine, other)));
        }
        return comparisons;
    }

    static Comparison of(Sampled mine, Sampled other) {
        double[] a = logarithms(mine.samples());
        double[] b = logarithms(other.samples());
        double difference = mean(a) - mean(b);
        Double low = null;
        Double high = null;
        if (a.length > 1 && b.length > 1) {
            double half = halfWidth(a, b);
            low = Math.exp(difference - half);
            high = Math.exp(difference + half);
        }
        double ours = mine.median();
        double theirs = other.median();
        return new Comparison(mine.test(), mine.threads(), mine.setting(), other.program(), other.setting(), ours, theirs,
                ours / theirs, Math.exp(difference), low, high);
    }

    /** Student's t at the degrees of freedom of Welch and Satterthwaite, times the standard error of the difference. */
    private static double halfWidth(double[] a, double[] b) {
        double ofA = variance(a) / a.length;
        double ofB = variance(b) / b.length;
        double squares = ofA + ofB;
        if (squares == 0) {
            return 0;
        }
        double freedom = squares * squares / (ofA * ofA / (a.length - 1) + ofB * ofB / (b.length - 1));
        return TDistribution.of(freedom).inverseSurvivalProbability((1 - CONFIDENCE) / 2) * Math.sqrt(squares);
    }

    private static double[] logarithms(double[] samples) {
        return Arrays.stream(samples).map(Math::log).toArray();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double variance(double[] values) {
        double mean = mean(values);
        return Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / (values.length - 1);
    }
}
