package io.github.bitnet4j.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static Comparison compare(double[] ours, double[] theirs) {
        return Comparison.of(new Sampled("bitnet4j", List.of(), "tg64", 1, ours), new Sampled("other", List.of(), "tg64", 1, theirs));
    }

    @Test
    void theIntervalIsWelchsOnLogarithms() {
        // Logarithms 0, 0.2 and 1, 1.2: the means differ by 1, both variances are 0.02, the standard error is sqrt(0.02), and
        // there are 2 degrees of freedom, for which Student's t at 97.5 % is 4.302653.
        Comparison one = compare(new double[] {1, Math.exp(0.2)}, new double[] {Math.exp(1), Math.exp(1.2)});
        double half = 4.302653 * Math.sqrt(0.02);
        assertEquals(Math.exp(-1), one.meanRatio(), 1e-12);
        assertEquals(Math.exp(-1 - half), one.low(), 1e-6);
        assertEquals(Math.exp(-1 + half), one.high(), 1e-6);
    }

    @Test
    void runsOfSeveralFilesAreOneSample() {
        List<String> setting = List.of("f16 kv");
        List<Sampled> pooled = Sampled.pooled(List.of(new Sampled("a", setting, "tg64", 1, new double[] {1, 5}),
                new Sampled("a", setting, "tg64", 2, new double[] {7}), new Sampled("a", List.of("int8 kv"), "tg64", 1, new double[] {8}),
                new Sampled("b", setting, "tg64", 1, new double[] {9}), new Sampled("a", setting, "tg64", 1, new double[] {2})));
        assertEquals(List.of(2.0, 7.0, 8.0, 9.0), pooled.stream().map(Sampled::median).toList());
        Comparison one = compare(new double[] {1, 5, 2}, new double[] {3, 4, 8, 100});
        assertEquals(2, one.ours());
        assertEquals(6, one.theirs());
        assertEquals(1.0 / 3, one.ratio(), 1e-12);
    }

    @Test
    void unequalVariancesTakeDegreesOfFreedomAway() {
        // Variances 0 of three and 0.02 of two: 1 degree of freedom, t = 12.706205, standard error 0.1.
        Comparison one = compare(new double[] {1, 1, 1}, new double[] {1, Math.exp(0.2)});
        assertEquals(Math.exp(-0.1 + 12.706205 * 0.1), one.high(), 1e-6);
    }

    @Test
    void equalRunsHaveAnIntervalOfNoWidthAndSingleRunsNone() {
        Comparison equal = compare(new double[] {4, 4}, new double[] {2, 2});
        assertEquals(2, equal.low(), 1e-12);
        assertEquals(2, equal.high(), 1e-12);
        assertNull(compare(new double[] {4}, new double[] {2, 3}).low());
    }
}
