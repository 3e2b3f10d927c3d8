package io.github.bitnet4j.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.stream.StreamSupport;

/**
 * Numbers of the bundled model from an evaluation of the specification outside this project, in numpy.
 *
 * @param promptIds         a prompt, BOS first
 * @param greedyIds         the 64 ids of largest logit that follow it, each fed back
 * @param nllIds            a text that the model was not trained on, BOS first
 * @param nll               natural logarithm of 1 / probability of {@code nllIds[i + 1]} after {@code nllIds[0..i]}
 * @param perplexityIds     a longer text that the model was not trained on, BOS first
 * @param perplexityContext tokens in a chunk
 * @param perplexity        of that text by llama.cpp's convention
 */
public record Golden(int[] promptIds, int[] greedyIds, int[] nllIds, double[] nll, int[] perplexityIds,
                     int perplexityContext, double perplexity) {

    /** The bundled model; tests run in java/core. */
    public static final Path MODEL = Path.of("../../models/shakespeare.gguf");

    public static Golden read() {
        try (InputStream in = Golden.class.getResourceAsStream("golden.json")) {
            JsonNode json = new ObjectMapper().readTree(in);
            return new Golden(ids(json.get("prompt_ids")), ids(json.get("greedy_ids")), ids(json.get("nll_ids")),
                    StreamSupport.stream(json.get("nll").spliterator(), false).mapToDouble(JsonNode::asDouble).toArray(),
                    ids(json.get("perplexity_ids")), json.get("perplexity_context").asInt(), json.get("perplexity").asDouble());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int[] ids(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
