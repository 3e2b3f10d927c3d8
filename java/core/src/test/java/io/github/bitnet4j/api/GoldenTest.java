package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.Logits;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bundled model gives the numbers of an evaluation that was made outside this project. */
class GoldenTest {
    private final Golden golden = Golden.read();

    private static BitNetModel open(KvPrecision precision) {
        return BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withKvPrecision(precision));
    }

    @ParameterizedTest
    @EnumSource
    void greedyIds(KvPrecision precision) {
        try (BitNetModel model = open(precision); Session session = model.newSession()) {
            Generation generation = session.generate(golden.promptIds(),
                    GenerationOptions.tokens(64).withSampling(SamplingOptions.GREEDY));
            generation.text();
            assertArrayEquals(golden.greedyIds(), generation.ids());
        }
    }

    @Test
    void negativeLogLikelihoods() {
        try (BitNetModel model = open(KvPrecision.F32); Session session = model.newSession()) {
            int[] ids = golden.nllIds();
            double[] nll = new double[ids.length];
            session.evaluate(ids, 0, (i, logits) ->
                    nll[i] = i + 1 < ids.length ? Logits.nll(Logits.toDoubles(logits), ids[i + 1]) : 0);
            for (int i = 0; i < golden.nll().length; i++) {
                assertEquals(golden.nll()[i], nll[i], 1e-3, "token " + i);
            }
        }
    }

    /**
     * llama.cpp's convention: the text in chunks, each of which starts with BOS instead of its first token; the second half
     * of a chunk is scored.
     */
    @ParameterizedTest
    @EnumSource
    void perplexity(KvPrecision precision) {
        int chunk = golden.perplexityContext();
        double sum = 0;
        int count = 0;
        try (BitNetModel model = open(precision); Session session = model.newSession()) {
            for (int from = 0; from + chunk <= golden.perplexityIds().length; from += chunk) {
                int[] ids = Arrays.copyOfRange(golden.perplexityIds(), from, from + chunk);
                ids[0] = model.tokenizer().bos().orElseThrow();
                double[] nll = new double[chunk];
                session.rewind(0);
                session.evaluate(ids, chunk / 2, (i, logits) ->
                        nll[i] = i + 1 < chunk ? Logits.nll(Logits.toDoubles(logits), ids[i + 1]) : 0);
                sum += Arrays.stream(nll).sum();
                count += chunk - 1 - chunk / 2;
            }
        }
        assertEquals(4191, count);
        assertEquals(golden.perplexity(), Math.exp(sum / count), golden.perplexity() * 1e-3);
    }
}
