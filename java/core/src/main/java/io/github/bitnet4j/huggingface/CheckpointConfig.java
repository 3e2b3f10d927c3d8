package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Architecture.Activation;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The shape of a model, read from {@code config.json}.
 *
 * @param architecture of the same mathematics
 * @param ropeScaling  of the rotation's frequencies, if they are scaled
 * @param tied         whether the embedding table is the head too
 * @param ternary      whether the linears were quantised in training; those of a llama without a quantization_config were not
 * @param divides      whether {@code weight_scale} divides, as in checkpoints of the linear class {@code bitlinear}, or
 *                     multiplies ({@code autobitlinear})
 */
record CheckpointConfig(Architecture architecture, int vocabulary, int hidden, int feedForward, int layers, int heads,
                        int kvHeads, int headDim, double ropeTheta, Optional<RopeScaling> ropeScaling, double epsilon,
                        int contextLength, boolean tied, boolean ternary, boolean divides) {

    /** By the names that {@code hidden_act} has. */
    private static final Map<String, Activation> ACTIVATIONS = Map.of("relu2", Activation.RELU2, "silu", Activation.SILU);

    static CheckpointConfig read(JsonNode json, Path file) {
        Fields fields = new Fields(json, file);
        int hidden = fields.count("hidden_size");
        int heads = fields.count("num_attention_heads");
        Architecture architecture = architecture(fields);
        for (String bias : new String[] {"attention_bias", "mlp_bias"}) {
            if (json.path(bias).asBoolean(false)) {
                throw fields.bad(bias + " is true; models whose linears have biases cannot run here");
            }
        }
        Fields rope = json.path("rope_parameters").isObject() ? new Fields(json.path("rope_parameters"), file) : fields;
        return new CheckpointConfig(architecture, fields.count("vocab_size"), hidden, fields.count("intermediate_size"),
                fields.count("num_hidden_layers"), heads, fields.count("num_key_value_heads", heads),
                fields.count("head_dim", Math.max(1, hidden / heads)), rope.number("rope_theta", 10_000), ropeScaling(fields),
                fields.number("rms_norm_eps", 1e-5), fields.count("max_position_embeddings"),
                json.path("tie_word_embeddings").asBoolean(false),
                architecture != Architecture.LLAMA || json.has("quantization_config"), divides(fields));
    }

    /** Class names tell what model_type does not: bitnet_b1_58-large calls itself a llama. */
    private static Architecture architecture(Fields fields) {
        String type = fields.text("model_type", "");
        boolean bitnet = type.equals("bitnet") || fields.json.path("architectures").path(0).asText().startsWith("Bitnet");
        String name = fields.text("hidden_act", type.equals("bitnet") ? "relu2" : "silu");
        Activation activation = ACTIVATIONS.get(name);
        if (bitnet && activation != null) {
            return activation == Activation.RELU2 ? Architecture.BITNET_B158 : Architecture.BITNET;
        }
        if (type.equals("llama") && activation == Activation.SILU) {
            return Architecture.LLAMA;
        }
        throw fields.bad("model_type '" + type + "' with hidden_act '" + name
                + "' is not one that can run; known are bitnet with relu2 or silu and llama with silu");
    }

    /** {@code rope_scaling}, or {@code rope_parameters} of newer files, which holds rope_theta too. */
    private static Optional<RopeScaling> ropeScaling(Fields fields) {
        JsonNode scaling = fields.json.path(fields.json.path("rope_parameters").isObject() ? "rope_parameters" : "rope_scaling");
        String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
        Fields inner = new Fields(scaling, fields.file);
        return switch (type) {
            case "default" -> Optional.empty();
            case "linear" -> Optional.of(new RopeScaling.Linear(inner.number("factor", 1)));
            case "llama3" -> Optional.of(new RopeScaling.Llama3(inner.number("factor", 8), inner.number("low_freq_factor", 1),
                    inner.number("high_freq_factor", 4), inner.count("original_max_position_embeddings", 8192)));
            default -> throw fields.bad("rope_scaling of type '" + type
                    + "' is not one that can run; known are default, linear and llama3");
        };
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
