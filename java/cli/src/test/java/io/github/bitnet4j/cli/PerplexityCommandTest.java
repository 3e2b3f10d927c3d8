package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class PerplexityCommandTest {
    /** Of the held-out excerpt in chunks of 256, from a plain numpy evaluation. */
    private static final double GOLDEN = 54.1041;

    @Test
    void theBundledModelHasItsReferencePerplexity() throws URISyntaxException {
        Path ids = Path.of(PerplexityCommandTest.class.getResource("excerpt-ids.json").toURI());
        JsonNode result = Cli.ok("perplexity", "--ids", ids.toString(), "-c", "256", "--json").json();
        assertEquals(GOLDEN, result.get("perplexity").asDouble(), 0.001 * GOLDEN);
        assertEquals(33, result.get("chunks").asInt());
        assertEquals(33 * 127, result.get("tokens_scored").asInt());
        assertTrue(result.get("error").asDouble() > 0);
    }

    @Test
    void theErrorIsThatOfTheMeanTimesThePerplexity() {
        Perplexity perplexity = new Perplexity();
        double ln2 = Math.log(2);
        perplexity.add(new float[] {0, 0}, 1);                              // nll ln 2
        perplexity.add(new float[] {0, 0, 0, 0}, 2);                        // nll 2 ln 2
        assertEquals(1.5 * ln2, perplexity.mean(), 1e-12);
        assertEquals(Math.pow(2, 1.5), perplexity.value(), 1e-12);
        // variance (ln 2 / 2)^2 of the mean of two, so sqrt(variance / (2 - 1)) * value
        assertEquals(ln2 / 2 * Math.pow(2, 1.5), perplexity.error(), 1e-9);
    }

    @Test
    void largeLogitsDoNotOverflow() {
        assertEquals(2000, Perplexity.negativeLogLikelihood(new float[] {1000, -1000}, 1), 1e-9);
    }
}
