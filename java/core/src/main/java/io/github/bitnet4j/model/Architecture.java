package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgufFile;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What sets the mathematics of one architecture apart from another's, beside the numbers that a file gives. Published
 * models: bitnet-b1.58-2B-4T ({@link #BITNET_B158}), older uploads of it ({@link #BITNET_25}), bitnet_b1_58-large and -3B
 * ({@link #BITNET}), Llama3-8B-1.58, Falcon3-1.58bit and Falcon-E ({@link #LLAMA}), and the embedding models
 * BitNet-embedding-0.6B ({@link #QWEN3}) and -270M ({@link #GEMMA3}).
 */
public enum Architecture {
    BITNET_B158("bitnet-b1.58", Purpose.GENERATION, Activation.RELU2, RopeStyle.HALVES, Names.SUB_NORMS),
    BITNET_25("bitnet-25", Purpose.GENERATION, Activation.RELU2, RopeStyle.HALVES, Names.SUB_NORMS),
    BITNET("bitnet", Purpose.GENERATION, Activation.SILU, RopeStyle.HALVES, Names.SUB_NORMS),
    LLAMA("llama", Purpose.GENERATION, Activation.SILU, RopeStyle.INTERLEAVED, Names.OF_RESIDUAL),
    QWEN3("qwen3", Purpose.EMBEDDING, Activation.SILU, RopeStyle.HALVES, Names.OF_INPUTS),
    GEMMA3("gemma3", Purpose.EMBEDDING, Activation.GELU, RopeStyle.HALVES, Names.OF_INPUTS_AND_OUTPUTS);

    /** What a model is for: those for embeddings have no output head. */
    public enum Purpose { GENERATION, EMBEDDING }

    /** What the gate goes through. The order is that of {@code bn_activation}. */
    public enum Activation { RELU2, SILU, GELU }

    /** Which elements of a head RoPE turns together. The order is that of {@code bn_rope_style}. */
    public enum RopeStyle { HALVES, INTERLEAVED }

    /** Where a layer may have an RMS norm. */
    public enum Norm {
        /** Of the residual stream, before queries, keys and values. */
        ATTENTION,
        /** Of that, before queries only. */
        QUERY,
        KEY,
        VALUE,
        /** Of each head's query, before RoPE; the heads share their weights. */
        QUERY_HEAD,
        KEY_HEAD,
        /** Of what attention gives, before it is projected back. */
        ATTENTION_OUTPUT,
        /** Of what is projected back, before it is added to the residual stream. */
        AFTER_ATTENTION,
        /** Of the residual stream, before gate and up. */
        FEED_FORWARD,
        /** Of that, before the gate only. */
        GATE,
        UP,
        /** Of the gated product, before it is projected back. */
        FEED_FORWARD_OUTPUT,
        /** Of what is projected back, before it is added to the residual stream. */
        AFTER_FEED_FORWARD
    }

    /** Which norms there are, and the names of their tensors in a layer. */
    private static final class Names {
        static final Map<Norm, String> OF_RESIDUAL = Map.of(Norm.ATTENTION, "attn_norm", Norm.FEED_FORWARD, "ffn_norm");
        static final Map<Norm, String> SUB_NORMS = with(OF_RESIDUAL, Map.of(Norm.ATTENTION_OUTPUT, "attn_sub_norm",
                Norm.FEED_FORWARD_OUTPUT, "ffn_sub_norm"));
        static final Map<Norm, String> OF_INPUTS = with(OF_RESIDUAL, Map.of(Norm.QUERY, "attn_q_norm_in",
                Norm.KEY, "attn_k_norm_in", Norm.VALUE, "attn_v_norm_in", Norm.QUERY_HEAD, "attn_q_norm",
                Norm.KEY_HEAD, "attn_k_norm", Norm.ATTENTION_OUTPUT, "attn_output_norm_in", Norm.GATE, "ffn_gate_norm_in",
                Norm.UP, "ffn_up_norm_in", Norm.FEED_FORWARD_OUTPUT, "ffn_down_norm_in"));
        static final Map<Norm, String> OF_INPUTS_AND_OUTPUTS = with(OF_INPUTS,
                Map.of(Norm.AFTER_ATTENTION, "post_attention_norm", Norm.AFTER_FEED_FORWARD, "post_ffw_norm"));

        private static Map<Norm, String> with(Map<Norm, String> names, Map<Norm, String> more) {
            Map<Norm, String> all = new EnumMap<>(names);
            all.putAll(more);
            return all;
        }
    }

    private final String id;
    private final Purpose purpose;
    private final Activation activation;
    private final RopeStyle ropeStyle;
    private final Map<Norm, String> norms;

    Architecture(String id, Purpose purpose, Activation activation, RopeStyle ropeStyle, Map<Norm, String> norms) {
        this.id = id;
        this.purpose = purpose;
        this.activation = activation;
        this.ropeStyle = ropeStyle;
        this.norms = norms;
    }

    /** The value of {@code general.architecture}, also the prefix of the other keys. */
    public String id() {
        return id;
    }

    /** Whether models have an output head. */
    public boolean hasHead() {
        return purpose == Purpose.GENERATION;
    }

    public Activation activation() {
        return activation;
    }

    public RopeStyle ropeStyle() {
        return ropeStyle;
    }

    /** Whether layers have this norm. */
    public boolean has(Norm norm) {
        return norms.containsKey(norm);
    }

    /** The name of a norm's tensor in a layer, such as {@code attn_norm}, where layers have it. */
    public Optional<String> tensor(Norm norm) {
        return Optional.ofNullable(norms.get(norm));
    }

    /** What embeddings are multiplied by: Gemma's are stored so that they also serve as a head. */
    public float embeddingFactor(int hidden) {
        return this == GEMMA3 ? (float) Math.sqrt(hidden) : 1;
    }

    /** That of a file, if it names one that is known. */
    public static Optional<Architecture> of(GgufFile file) {
        return file.metadata().string("general.architecture").flatMap(Architecture::named);
    }

    /** The architecture with this {@link #id}. */
    public static Optional<Architecture> named(String id) {
        return Arrays.stream(values()).filter(architecture -> architecture.id.equals(id)).findFirst();
    }

    /** All ids, separated by commas, for messages. */
    public static String ids() {
        return Arrays.stream(values()).map(Architecture::id).collect(Collectors.joining(", "));
    }
}
