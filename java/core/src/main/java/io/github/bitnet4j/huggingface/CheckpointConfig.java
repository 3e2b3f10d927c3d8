package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.huggingface.TernaryLinear.Training;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Architecture.Activation;
import io.github.bitnet4j.model.SlidingWindow;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The shape of a model, read from {@code config.json}.
 *
 * @param architecture of the same mathematics
 * @param ropeScaling  of the rotation's frequencies, if they are scaled
 * @param window       of layers that do not see all of a text, if there are such
 * @param tied         whether the embedding table is the head too
 * @param training     what became of the linears' weights in training; those of a llama without a quantization_config were
 *                     not quantised
 * @param divides      whether {@code weight_scale} divides, as in checkpoints of the linear class {@code bitlinear}, or
 *                     multiplies ({@code autobitlinear})
 */
record CheckpointConfig(Architecture architecture, int vocabulary, int hidden, int feedForward, int layers, int heads,
                        int kvHeads, int headDim, double ropeTheta, Optional<RopeScaling> ropeScaling, double epsilon,
                        int contextLength, Optional<SlidingWindow> window, boolean tied, Training training, boolean divides) {

    /** By the names that {@code hidden_act} has. */
    private static final Map<String, Activation> ACTIVATIONS = Map.of("relu2", Activation.RELU2, "silu", Activation.SILU,
            "gelu_pytorch_tanh", Activation.GELU);
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

    static CheckpointConfig read(JsonNode json, Path file) {
        ConfigFields fields = new ConfigFields(json, file);
        int hidden = fields.count("hidden_size");
        int heads = fields.count("num_attention_heads");
        int layers = fields.count("num_hidden_layers");
        Architecture architecture = architecture(fields);
        for (String bias : new String[] {"attention_bias", "mlp_bias"}) {
            if (fields.flag(bias)) {
                throw fields.bad(bias + " is true; models whose linears have biases cannot run here");
            }
        }
        ConfigFields rope = rope(fields, FULL);
        if (!architecture.hasHead()) {
            fields.require("head_dim", "rms_norm_eps", "num_key_value_heads");
            rope.require("rope_theta");
        }
        CheckpointConfig config = new CheckpointConfig(architecture, fields.count("vocab_size"), hidden,
                fields.count("intermediate_size"), layers, heads, fields.count("num_key_value_heads", heads),
                fields.count("head_dim", Math.max(1, hidden / heads)), rope.number("rope_theta", 10_000), ropeScaling(fields),
                fields.number("rms_norm_eps", 1e-5), fields.count("max_position_embeddings"),
                architecture == Architecture.GEMMA3 ? window(fields, layers) : Optional.empty(),
                fields.flag("tie_word_embeddings"), training(architecture, json), divides(fields));
        config.checkAttention(fields);
        return config;
    }

    /** Class names tell what model_type does not: bitnet_b1_58-large calls itself a llama. */
    private static Architecture architecture(ConfigFields fields) {
        String type = fields.text("model_type", "");
        boolean bitnet = type.equals("bitnet") || fields.json().path("architectures").path(0).asText().startsWith("Bitnet");
        String name = type.equals("gemma3_text") ? fields.text("hidden_activation", "")
                : fields.text("hidden_act", type.equals("bitnet") ? "relu2" : "silu");
        Activation activation = ACTIVATIONS.get(name);
        if (bitnet && (activation == Activation.RELU2 || activation == Activation.SILU)) {
            return activation == Activation.RELU2 ? Architecture.BITNET_B158 : Architecture.BITNET;
        }
        Map<String, Architecture> others = Map.of("llama", Architecture.LLAMA, "qwen3", Architecture.QWEN3,
                "gemma3_text", Architecture.GEMMA3);
        if (others.containsKey(type) && others.get(type).activation() == activation) {
            return others.get(type);
        }
        throw fields.bad("model_type '" + type + "' with hidden_act '" + name + "' is not one that can run; known are bitnet "
                + "with relu2 or silu, llama and qwen3 with silu, and gemma3_text with gelu_pytorch_tanh");
    }

    /** Where the rotation in layers of a kind is described: by kind, for all of them, or among the other keys in older files. */
    private static ConfigFields rope(ConfigFields fields, String kind) {
        ConfigFields all = fields.inner("rope_parameters");
        return all.inner(kind).isObject() ? all.inner(kind) : all.isObject() ? all : fields;
    }

    /** In layers that see everything; older files have it in {@code rope_scaling}. */
    private static Optional<RopeScaling> ropeScaling(ConfigFields fields) {
        ConfigFields scaling = fields.inner("rope_parameters").isObject() ? rope(fields, FULL) : fields.inner("rope_scaling");
        String type = scaling.text("rope_type", scaling.text("type", "default"));
        return switch (type) {
            case "default" -> Optional.empty();
            case "linear" -> Optional.of(new RopeScaling.Linear(scaling.number("factor", 1)));
            case "llama3" -> Optional.of(new RopeScaling.Llama3(scaling.number("factor", 8), scaling.number("low_freq_factor", 1),
                    scaling.number("high_freq_factor", 4), scaling.count("original_max_position_embeddings", 8192)));
            default -> throw fields.bad("rope_scaling of type '" + type
                    + "' is not one that can run; known are default, linear and llama3");
        };
    }

    /** Gemma's layers of {@code sliding_attention}, with the base of their rotation. */
    private static Optional<SlidingWindow> window(ConfigFields fields, int layers) {
        List<Boolean> sliding = slidingLayers(fields, layers);
        if (!sliding.contains(true)) {
            return Optional.empty();
        }
        ConfigFields rope = fields.inner("rope_parameters").inner(SLIDING);
        if (!rope.text("rope_type", "default").equals("default")) {
            throw fields.bad("rope_parameters of " + SLIDING + " have the type " + rope.json().path("rope_type")
                    + "; only default can run here");
        }
        return Optional.of(new SlidingWindow(fields.count("sliding_window"), sliding,
                rope.isObject() ? rope.number("rope_theta") : fields.number("rope_local_base_freq")));
    }

    /** {@code layer_types}, or in older files the number of layers after which one sees everything. */
    private static List<Boolean> slidingLayers(ConfigFields fields, int layers) {
        JsonNode types = fields.json().path("layer_types");
        if (!types.isArray()) {
            String older = fields.json().has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern";
            int period = fields.require(fields.json().has(older) ? older : "layer_types").count(older);
            return IntStream.range(0, layers).mapToObj(i -> (i + 1) % period != 0).toList();
        }
        List<Boolean> sliding = new ArrayList<>();
        for (JsonNode type : types) {
            if (!type.asText().equals(FULL) && !type.asText().equals(SLIDING)) {
                throw fields.bad("layer_types names " + type + "; known are " + FULL + " and " + SLIDING);
            }
            sliding.add(type.asText().equals(SLIDING));
        }
        if (sliding.size() != layers) {
            throw fields.bad("layer_types has " + sliding.size() + " entries for " + layers + " layers");
        }
        return sliding;
    }

    /** What embedding models' keys may say that is not computed. */
    private void checkAttention(ConfigFields fields) {
        for (String key : new String[] {"use_sliding_window", "use_bidirectional_attention"}) {
            if (fields.flag(key)) {
                throw fields.bad(key + " is true; such attention cannot run here");
            }
        }
        if (!fields.json().path("attn_logit_softcapping").isMissingNode() && !fields.json().path("attn_logit_softcapping").isNull()) {
            throw fields.bad("attn_logit_softcapping is " + fields.json().path("attn_logit_softcapping") + "; scores are not capped here");
        }
        boolean slides = fields.json().path("layer_types").valueStream().anyMatch(type -> type.asText().equals(SLIDING));
        if (architecture != Architecture.GEMMA3 && slides) {
            throw fields.bad("layer_types names " + SLIDING + ", which can run here in models of type gemma3_text only");
        }
        if (architecture == Architecture.GEMMA3 && fields.count("query_pre_attn_scalar") != headDim) {
            throw fields.bad("query_pre_attn_scalar is " + fields.json().path("query_pre_attn_scalar")
                    + "; scores can be divided by the root of head_dim, which is " + headDim + ", only");
        }
    }

    private static Training training(Architecture architecture, JsonNode json) {
        if (!architecture.hasHead()) {
            return Training.IN_EVERY_RUN;
        }
        return architecture != Architecture.LLAMA || json.has("quantization_config") ? Training.QUANTIZED : Training.UNKNOWN;
    }

    private static boolean divides(ConfigFields fields) {
        ConfigFields quantization = fields.inner("quantization_config");
        String method = quantization.text("quant_method", "bitnet");
        if (!method.equals("bitnet")) {
            throw fields.bad("quant_method '" + method + "' is not bitnet; only ternary checkpoints can run here");
        }
        String linear = quantization.text("linear_class", "bitlinear");
        return switch (linear) {
            case "bitlinear" -> true;
            case "autobitlinear" -> false;
            default -> throw fields.bad("linear_class '" + linear + "' is not one of bitlinear and autobitlinear");
        };
    }
}
