package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The engine agrees with the evaluation of the specification on models of many shapes. */
class AgreementTest {
    /**
     * Where no quantised value crosses a half, what differs is the head's sum of K products of about 3 / sqrt(K) in float:
     * some units of 2^-24 of a logit of up to 15, 1e-6 each.
     */
    private static final double ROUNDING = 2e-5;
    /** Below this, two best logits count as equal. */
    private static final double MARGIN = 1e-3;
    private static final int POSITIONS = 40;
    /** Most positions read keys and values that an earlier pass has written. */
    private static final int CHUNK = 7;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void exactly(Shapes shape) throws IOException {
        int[] ids = shape.ids(POSITIONS);
        try (Engine engine = new Engine(shape.write(folder), KvPrecision.F32)) {
            float[][] logits = engine.logits(ids, CHUNK);
            ReferenceModel.Sequence reference = new ReferenceModel(engine.file(), false).new Sequence();
            for (int i = 0; i < POSITIONS; i++) {
                double[] expected = reference.next(ids[i]);
                assertEquals(0, difference(expected, logits[i]), ROUNDING, "position " + i);
                if (Logits.margin(expected) > MARGIN) {
                    assertEquals(Logits.best(expected), Logits.best(Logits.toDoubles(logits[i])), "position " + i);
                }
            }
        }
    }

    /**
     * Attention in float is 1e-7 off, so a value crosses a half now and then, and every later position of the sequence
     * reads what that changed. The first positions see few values and agree; the others differ by a small part of the
     * logits' deviation of 3, where a mistake in any step makes them differ by all of it.
     */
    @ParameterizedTest
    @EnumSource
    void withAttentionInFloat(Shapes shape) throws IOException {
        int[] ids = shape.ids(POSITIONS);
        try (Engine engine = new Engine(shape.write(folder), KvPrecision.F16)) {
            float[][] logits = engine.logits(ids, CHUNK);
            ReferenceModel.Sequence reference = new ReferenceModel(engine.file(), true).new Sequence();
            for (int i = 0; i < POSITIONS; i++) {
                double tolerance = i == 0 ? ROUNDING : 0.5;
                double difference = difference(reference.next(ids[i]), logits[i]);
                assertTrue(difference <= tolerance, "position " + i + ": a logit differs by " + difference);
            }
        }
    }

    /**
     * Keys and values are off by up to half a step, 1/254 of their largest element, which moves other values across a half
     * at every position: no logit stays, but all together differ by some hundredths of their deviation of 3.
     */
    @ParameterizedTest
    @EnumSource
    void withKeysAndValuesInInt8(Shapes shape) throws IOException {
        int[] ids = shape.ids(POSITIONS);
        try (Engine engine = new Engine(shape.write(folder), KvPrecision.INT8)) {
            float[][] logits = engine.logits(ids, CHUNK);
            ReferenceModel.Sequence reference = new ReferenceModel(engine.file(), false).new Sequence();
            double squares = 0;
            for (int i = 0; i < POSITIONS; i++) {
                squares += squaredDifference(reference.next(ids[i]), logits[i]);
            }
            double difference = Math.sqrt(squares / POSITIONS / logits[0].length);
            assertTrue(difference <= 0.15, "the root of the mean squared difference is " + difference);
        }
    }

    private static double squaredDifference(double[] expected, float[] logits) {
        double sum = 0;
        for (int id = 0; id < expected.length; id++) {
            sum += (expected[id] - logits[id]) * (expected[id] - logits[id]);
        }
        return sum;
    }

    private static double difference(double[] expected, float[] logits) {
        double largest = 0;
        for (int id = 0; id < expected.length; id++) {
            largest = Math.max(largest, Math.abs(expected[id] - logits[id]));
        }
        return largest;
    }
}
