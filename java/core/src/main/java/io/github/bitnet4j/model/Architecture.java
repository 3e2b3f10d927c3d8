package io.github.bitnet4j.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What sets the mathematics of one architecture apart from another's, beside the numbers that a file gives. Published
 * models: bitnet-b1.58-2B-4T ({@link #BITNET_B158}), older uploads of it ({@link #BITNET_25}), bitnet_b1_58-large and -3B
 * ({@link #BITNET}), and Llama3-8B-1.58, Falcon3-1.58bit and Falcon-E ({@link #LLAMA}).
 */
public enum Architecture {
    BITNET_B158("bitnet-b1.58", Activation.RELU2, RopeStyle.HALVES, Set.of(Norm.values())),
    BITNET_25("bitnet-25", Activation.RELU2, RopeStyle.HALVES, Set.of(Norm.values())),
    BITNET("bitnet", Activation.SILU, RopeStyle.HALVES, Set.of(Norm.values())),
    LLAMA("llama", Activation.SILU, RopeStyle.INTERLEAVED, Set.of(Norm.ATTENTION, Norm.FEED_FORWARD));

    /** What the gate goes through. The order is that of {@code bn_activation}. */
    public enum Activation { RELU2, SILU }

    /** Which elements of a head RoPE turns together. The order is that of {@code bn_rope_style}. */
    public enum RopeStyle { HALVES, INTERLEAVED }

    /** RMS norms of a layer, by the names of their tensors. */
    public enum Norm {
        /** Of the residual stream, before queries, keys and values. */
        ATTENTION("attn_norm"),
        /** Of what attention gives, before it is projected back. */
        ATTENTION_OUTPUT("attn_sub_norm"),
        /** Of the residual stream, before gate and up. */
        FEED_FORWARD("ffn_norm"),
        /** Of the gated product, before it is projected back. */
        FEED_FORWARD_OUTPUT("ffn_sub_norm");

        private final String tensor;

        Norm(String tensor) {
            this.tensor = tensor;
        }

        /** The name in a layer, such as {@code attn_norm}. */
        public String tensor() {
            return tensor;
        }
    }

    private final String id;
    private final Activation activation;
    private final RopeStyle ropeStyle;
    private final Set<Norm> norms;

    Architecture(String id, Activation activation, RopeStyle ropeStyle, Set<Norm> norms) {
        this.id = id;
        this.activation = activation;
        this.ropeStyle = ropeStyle;
        this.norms = norms;
    }

    /** The value of {@code general.architecture}, also the prefix of the other keys. */
    public String id() {
        return id;
    }

    public Activation activation() {
        return activation;
    }

    public RopeStyle ropeStyle() {
        return ropeStyle;
    }

    /** Whether layers have this norm. */
    public boolean has(Norm norm) {
        return norms.contains(norm);
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
