package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.bitnet4j.BitNetException;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * How a folder of sentence-transformers makes a vector of a text: {@code modules.json} lists the steps, the folder of the pooling
 * step has a {@code config.json} of its own, and {@code sentence_bert_config.json} says where texts are cut.
 */
final class SentenceModules {
    private static final String LIST = "modules.json";
    private static final String MODE = "pooling_mode";
    private static final String TRANSFORMER = "sentence_bert_config.json";
    private static final String LENGTH = "max_seq_length";
    /** Modes that are known here, by their names in newer files and in keys of older ones, and llama.cpp's numbers for them. */
    private static final Map<String, Integer> TYPES = Map.of("mean", 1, "mean_tokens", 1, "lasttoken", 3);

    private final Checkpoint checkpoint;

    SentenceModules(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /**
     * The pooling, as {@code pooling_type} of a GGUF file; empty if the folder does not say.
     *
     * @throws BitNetException if there is a step, or a pooling, that is not computed here
     */
    OptionalInt poolingType() {
        OptionalInt type = OptionalInt.empty();
        for (JsonNode module : checkpoint.json(LIST).orElse(MissingNode.getInstance())) {
            String name = module.path("type").asText();
            switch (name.substring(name.lastIndexOf('.') + 1)) {
                case "Transformer", "Normalize" -> {}
                case "Pooling" -> type = OptionalInt.of(type(module.path("path").asText() + "/config.json"));
                default -> throw new BitNetException(checkpoint.folder().resolve(LIST) + " lists a module of type '" + name
                        + "', which cannot be computed here; known are Transformer, Pooling and Normalize");
            }
        }
        return type;
    }

    /**
     * The tokens that sentence-transformers cuts texts to, with those around them: {@code max_seq_length}, otherwise the lesser of
     * the model's positions and {@code model_max_length} of the tokenizer, which may be a number beyond all texts; empty if the
     * folder is none of its own.
     */
    OptionalInt mostTokens() {
        if (checkpoint.json(LIST).isEmpty()) {
            return OptionalInt.empty();
        }
        JsonNode length = checkpoint.json(TRANSFORMER).orElse(MissingNode.getInstance()).path(LENGTH);
        if (length.isMissingNode() || length.isNull()) {
            return Stream.of(checkpoint.requireJson("config.json").path("max_position_embeddings"),
                            checkpoint.json("tokenizer_config.json").orElse(MissingNode.getInstance()).path("model_max_length"))
                    .filter(most -> most.canConvertToInt() && most.asInt() > 0).mapToInt(JsonNode::asInt).min();
        }
        if (!length.isIntegralNumber() || !length.canConvertToInt() || length.asInt() < 1) {
            throw new BitNetException(checkpoint.folder().resolve(TRANSFORMER) + ": " + LENGTH + " is " + length
                    + ", which is no number of tokens");
        }
        return OptionalInt.of(length.asInt());
    }

    private int type(String file) {
        JsonNode pooling = checkpoint.requireJson(file);
        List<String> modes = pooling.path(MODE).isTextual() ? List.of(pooling.path(MODE).asText())
                : pooling.properties().stream().filter(entry -> entry.getKey().startsWith(MODE + "_") && entry.getValue().asBoolean())
                        .map(entry -> entry.getKey().substring(MODE.length() + 1)).toList();
        if (modes.size() != 1 || !TYPES.containsKey(modes.getFirst())) {
            throw new BitNetException(checkpoint.folder().resolve(file) + " pools by " + modes
                    + ", which cannot be computed here; known are lasttoken and mean_tokens, one of them");
        }
        return TYPES.get(modes.getFirst());
    }
}
