package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.bitnet4j.gguf.GgufFile;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The evaluation that every other test compares with reproduces numbers that were not made by this project. */
class ReferenceModelTest {
    private final Golden golden = Golden.read();

    @Test
    void greedyIds() throws IOException {
        try (GgufFile file = GgufFile.open(Golden.MODEL)) {
            ReferenceModel.Sequence sequence = new ReferenceModel(file, false).new Sequence();
            double[] logits = {};
            for (int id : golden.promptIds()) {
                logits = sequence.next(id);
            }
            int[] ids = new int[golden.greedyIds().length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = Logits.best(logits);
                logits = sequence.next(ids[i]);
            }
            assertArrayEquals(golden.greedyIds(), ids);
        }
    }

    @Test
    void negativeLogLikelihoods() throws IOException {
        try (GgufFile file = GgufFile.open(Golden.MODEL)) {
            ReferenceModel.Sequence sequence = new ReferenceModel(file, false).new Sequence();
            for (int i = 0; i < golden.nll().length; i++) {
                double nll = Logits.nll(sequence.next(golden.nllIds()[i]), golden.nllIds()[i + 1]);
                assertEquals(golden.nll()[i], nll, 1e-3, "token " + i);
            }
        }
    }
}
