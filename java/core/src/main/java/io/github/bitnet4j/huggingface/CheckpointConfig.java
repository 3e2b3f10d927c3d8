package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import java.nio.file.Path;

/**
 * The shape of a model, read from {@code config.json}.
 *
 * @param architecture the GGUF architecture of the same mathematics
 * @param tied         whether the embedding table is the head too
 * @param divides      whether {@code weight_scale} divides, as in checkpoints of the linear class {@code bitlinear}, or
 *                     multiplies ({@code autobitlinear})
 */
record CheckpointConfig(String architecture, int vocabulary, int hidden, int feedForward, int layers, int heads, int kvHeads,
                        int headDim, double ropeTheta, double epsilon, int contextLength, boolean tied, boolean divides) {

    static CheckpointConfig read(JsonNode json, Path file) {
        Fields fields = new Fields(json, file);
        int hidden = fields.count("hidden_size");
        int heads = fields.count("num_attention_heads");
        return new CheckpointConfig(architecture(fields), fields.count("vocab_size"), hidden, fields.count("intermediate_size"),
                fields.count("num_hidden_layers"), heads, fields.count("num_key_value_heads", heads),
                fields.count("head_dim", Math.max(1, hidden / heads)), fields.number("rope_theta", 10_000),
                fields.number("rms_norm_eps", 1e-5), fields.count("max_position_embeddings"),
                json.path("tie_word_embeddings").asBoolean(false), divides(fields));
    }

    /** Whether attention and feed-forward outputs are normalised once more, which makes an architecture a {@code bitnet*} one. */
    boolean subNorms() {
        return !architecture.equals("llama");
    }

    /** Class names tell what model_type does not: bitnet_b1_58-large calls itself a llama. */
    private static String architecture(Fields fields) {
        String type = fields.text("model_type", "");
        String activation = fields.text("hidden_act", "silu");
        boolean bitnet = type.equals("bitnet") || fields.json.path("architectures").path(0).asText().startsWith("Bitnet");
        String architecture = bitnet && activation.equals("relu2") ? "bitnet-b1.58" : bitnet ? "bitnet" : type;
        boolean known = activation.equals("silu") && (bitnet || type.equals("llama")) || bitnet && activation.equals("relu2");
        if (!known) {
            throw fields.bad("model_type '" + type + "' with hidden_act '" + activation
                    + "' is not one that can run; known are bitnet with relu2 or silu and llama with silu");
        }
        return architecture;
    }

    private static boolean divides(Fields fields) {
        JsonNode quantization = fields.json.path("quantization_config");
        String method = quantization.path("quant_method").asText("bitnet");
        if (!method.equals("bitnet")) {
            throw fields.bad("quant_method '" + method + "' is not bitnet; only ternary checkpoints can run here");
        }
        String linear = quantization.path("linear_class").asText("bitlinear");
        return switch (linear) {
            case "bitlinear" -> true;
            case "autobitlinear" -> false;
            default -> throw fields.bad("linear_class '" + linear + "' is not one of bitlinear and autobitlinear");
        };
    }

    private record Fields(JsonNode json, Path file) {
        int count(String key) {
            if (!json.has(key)) {
                throw bad(key + " is missing");
            }
            return count(key, 0);
        }

        int count(String key, int otherwise) {
            JsonNode value = json.path(key).isNull() ? json.path("") : json.path(key);
            long count = value.asLong(otherwise);
            if (count < 1 || count > 1 << 24) {
                throw bad(key + " is " + json.path(key) + ", not a number from 1 to " + (1 << 24));
            }
            return (int) count;
        }

        double number(String key, double otherwise) {
            double value = json.path(key).asDouble(otherwise);
            if (!(value > 0) || Double.isInfinite(value)) {
                throw bad(key + " is " + json.path(key) + ", not a positive number");
            }
            return value;
        }

        String text(String key, String otherwise) {
            return json.path(key).asText(otherwise);
        }

        BitNetException bad(String problem) {
            return new BitNetException(file + ": " + problem);
        }
    }
}
