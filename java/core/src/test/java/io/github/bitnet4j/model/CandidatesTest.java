package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Rows of one batch that want some of their logits each get what they want, from one reading of the coarse head. */
class CandidatesTest {
    private static final int ROWS = 20; // more than share one reading
    private static final int[] IDS = new Random(6).ints(ROWS, 0, 2048).toArray();

    @Test
    void eachRowGetsWhatItWants() throws IOException {
        float[][] exact;
        float[][] alone = new float[ROWS][];
        float[][] together = new float[ROWS][];
        try (Engine engine = new Engine(Golden.MODEL, KvPrecision.F16)) {
            exact = engine.logits(IDS, ROWS);
        }
        try (Engine engine = new Engine(Golden.MODEL, HeadMode.TWO_PASS)) {
            Candidates[] wanted = run(engine.transformer, together, ROWS);
            Candidates[] single = run(engine.transformer, alone, 1);
            for (int i = 0; i < ROWS; i++) {
                check(exact[i], together[i], wanted[i], i);
                assertEquals(single[i].computed(), wanted[i].computed());
                assertTrue(Arrays.equals(alone[i], together[i]), "row " + i + " differs from itself alone");
            }
        }
    }

    /** All rows of the sequence, {@code chunk} to a pass; row i wants its 1 + i % 7 largest and token i. */
    private static Candidates[] run(BitNetTransformer transformer, float[][] logits, int chunk) {
        Candidates[] wanted = new Candidates[ROWS];
        try (KvCache cache = transformer.newCache(); Batch batch = new Batch(chunk)) {
            for (int from = 0; from < ROWS; from += chunk) {
                batch.clear();
                for (int i = from; i < from + chunk; i++) {
                    wanted[i] = new Candidates();
                    wanted[i].largest(1 + i % 7);
                    wanted[i].add(i);
                    batch.add(IDS[i], cache, i, wanted[i]);
                }
                int base = from;
                transformer.forward(batch, new Cancellation(),
                        (row, values) -> logits[base + row] = values.toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return wanted;
    }

    private static void check(float[] exact, float[] some, Candidates wanted, int row) {
        float[] sorted = exact.clone();
        Arrays.sort(sorted);
        float least = sorted[sorted.length - wanted.count()];
        int computed = 0;
        for (int id = 0; id < exact.length; id++) {
            boolean there = some[id] != Float.NEGATIVE_INFINITY;
            computed += there ? 1 : 0;
            assertTrue(there ? some[id] == exact[id] : exact[id] < least && id != row, "row " + row + ", token " + id);
        }
        assertEquals(computed, wanted.computed());
        assertTrue(computed < exact.length / 2, computed + " of row " + row);
    }
}
