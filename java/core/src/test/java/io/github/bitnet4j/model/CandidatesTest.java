package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

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
        try (Engine engine = new Engine(Golden.MODEL, KvPrecision.F16)) {
            exact = engine.logits(IDS, ROWS);
            for (Candidates every : run(engine.transformer, ROWS)) {
                assertTrue(every.every(), "there is one pass over the head, and so every logit");
            }
        }
        try (Engine engine = new Engine(Golden.MODEL, HeadMode.TWO_PASS)) {
            Candidates[] together = run(engine.transformer, ROWS);
            Candidates[] alone = run(engine.transformer, 1);
            for (int i = 0; i < ROWS; i++) {
                check(exact[i], together[i], i);
                assertArrayEquals(ids(alone[i]), ids(together[i]));
                assertArrayEquals(logits(alone[i]), logits(together[i]), "row " + i + " differs from itself alone");
            }
        }
    }

    /** A row that wants every logit takes the others of its pass along. */
    @Test
    void everyLogitIsForAll() throws IOException {
        try (Engine engine = new Engine(Golden.MODEL, HeadMode.TWO_PASS);
                KvCache cache = engine.transformer.newCache(); Batch batch = new Batch(2)) {
            float[][] exact = engine.logits(Arrays.copyOf(IDS, 2), 2);
            Candidates largest = new Candidates();
            largest.largest(1);
            batch.add(IDS[0], cache, 0, largest);
            batch.add(IDS[1], cache, 1, true);
            float[][] handedOut = new float[2][];
            engine.transformer.forward(batch, new Cancellation(), (row, values) -> handedOut[row] = values.toArray(ValueLayout.JAVA_FLOAT));
            assertTrue(largest.every());
            assertArrayEquals(exact[0], logits(largest));
            assertArrayEquals(new float[][] {null, exact[1]}, handedOut);
        }
    }

    /** All rows of the sequence, {@code chunk} to a pass; row i wants its 1 + i % 7 largest and token i. */
    private static Candidates[] run(BitNetTransformer transformer, int chunk) {
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
                transformer.forward(batch, new Cancellation(), (row, values) -> fail("nobody wants it handed out"));
            }
        }
        return wanted;
    }

    private static int[] ids(Candidates of) {
        return Arrays.copyOf(of.ids(), of.size());
    }

    private static float[] logits(Candidates of) {
        return Arrays.copyOf(of.logits(), of.size());
    }

    private static void check(float[] exact, Candidates some, int row) {
        float[] sorted = exact.clone();
        Arrays.sort(sorted);
        float least = sorted[sorted.length - some.largest()];
        int at = 0;
        for (int id = 0; id < exact.length; id++) {
            boolean there = at < some.size() && some.ids()[at] == id;
            assertTrue(there ? some.logits()[at] == exact[id] : exact[id] < least && id != row, "row " + row + ", token " + id);
            at += there ? 1 : 0;
        }
        assertEquals(at, some.size());
        assertTrue(!some.every() && at < exact.length / 2, at + " of row " + row);
    }
}
