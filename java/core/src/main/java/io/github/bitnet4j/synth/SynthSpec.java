package io.github.bitnet4j.synth;

import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Architecture.Activation;

/**
 * The shape of a random model.
 *
 * @param name         the value of {@code general.name}
 * @param architecture of the layers
 * @param hidden       width of the residual stream; a multiple of 32
 * @param ffn          width of the feed-forward layer; a multiple of 32
 * @param layers       number of layers
 * @param heads        query heads; {@code heads * headDim} is a multiple of 32
 * @param kvHeads      key/value heads; divides {@code heads}
 * @param headDim      width of a head; even
 * @param vocab        number of tokens, at least 272
 * @param context      longest sequence
 * @param ropeTheta    base of the rotary frequencies
 * @param eps          epsilon of RMSNorm
 * @param tied         whether the embeddings are also the output head; if not, there is an F16 {@code output.weight}
 * @param zeros        fraction of ternary weights that are zero, 0 to 1; 0.42 is what 2B-4T has
 * @param gateSparsity share of ReLU&sup2; gates that are closed, above 0 and below 1; 0.5 is what symmetric weights have
 * @param seed         the same spec gives the same file, byte for byte
 */
public record SynthSpec(String name, Architecture architecture, int hidden, int ffn, int layers, int heads, int kvHeads,
        int headDim, int vocab, int context, float ropeTheta, float eps, boolean tied, double zeros, double gateSparsity,
        long seed) {

    /** I2_S packs so many weights in each field of two bits of a block, and four times as many in a block. */
    private static final int QUARTER = 32;
    /** The gate sparsity of symmetric weights. */
    private static final double EVEN_GATES = 0.5;

    /** @throws IllegalArgumentException if no I2_S model can have this shape; the message says which number is why */
    public SynthSpec {
        require(layers > 0 && heads > 0 && kvHeads > 0 && context > 0, "layers, heads and context must be positive");
        require(heads % kvHeads == 0, kvHeads + " key/value heads do not divide " + heads + " heads");
        require(headDim > 0 && headDim % 2 == 0, "a head must have an even width, not " + headDim);
        requireQuarters("hidden size", hidden);
        requireQuarters("feed-forward size", ffn);
        requireQuarters("heads * head width", Math.multiplyExact(heads, headDim));
        require(vocab >= Vocabulary.MIN_SIZE, "a byte-level vocabulary has at least " + Vocabulary.MIN_SIZE + " tokens");
        require(tied || architecture.hasHead(), "architecture " + architecture.id()
                + " is one for embeddings, without a head");
        require(zeros >= 0 && zeros <= 1, "the fraction of zeros must be 0 to 1, not " + zeros);
        require(gateSparsity > 0 && gateSparsity < 1, "the gate sparsity must be above 0 and below 1, not " + gateSparsity);
        require(gateSparsity == EVEN_GATES || architecture.activation() == Activation.RELU2, "architecture " + architecture.id()
                + " has " + (architecture.activation() == Activation.SILU ? "SiLU" : "GELU") + " gates, which are never closed; "
                + "a gate sparsity needs bitnet-b1.58");
        require(gateSparsity == EVEN_GATES || hidden % (4 * QUARTER) == 0, "gates can be steered where the hidden size is a "
                + "multiple of " + 4 * QUARTER + ", which " + hidden + " is not");
        require(gateSparsity == EVEN_GATES || zeros < 1, "gates of zero weights cannot be opened");
        require(ropeTheta > 0 && eps > 0, "rope theta and epsilon must be positive");
    }

    private static void requireQuarters(String what, int value) {
        require(value > 0 && value % QUARTER == 0, what + " " + value + " is not a multiple of " + QUARTER
                + ", which I2_S needs");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Whether it is a model for embeddings. */
    boolean embeds() {
        return !architecture.hasHead();
    }

    /** Whether gates are to be closed more or less often than symmetric weights close them. */
    boolean steersGates() {
        return gateSparsity != EVEN_GATES;
    }

    /** A builder that starts from the {@code tiny} preset: two layers of 256, half a megabyte. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts from this spec. */
    public Builder toBuilder() {
        return builder().name(name).architecture(architecture.id()).hidden(hidden).ffn(ffn).layers(layers)
                .heads(heads, kvHeads, headDim).vocab(vocab).context(context).ropeTheta(ropeTheta).eps(eps).tied(tied)
                .zeros(zeros).gateSparsity(gateSparsity).seed(seed);
    }

    /** Builds a {@link SynthSpec}; each method is named after the component it sets. */
    public static final class Builder {
        private String name = "synthetic";
        private Architecture architecture = Architecture.BITNET_B158;
        private int hidden = 256;
        private int ffn = 512;
        private int layers = 2;
        private int heads = 4;
        private int kvHeads = 2;
        private int headDim = 64;
        private int vocab = 512;
        private int context = 512;
        private float ropeTheta = 500_000;
        private float eps = 1e-5f;
        private boolean tied = true;
        private double zeros = 0.42;
        private double gateSparsity = EVEN_GATES;
        private long seed = 42;

        private Builder() {}

        public Builder name(String value) {
            name = value;
            return this;
        }

        /** The value of {@code general.architecture}. */
        public Builder architecture(String value) {
            architecture = Architecture.named(value).orElseThrow(() -> new IllegalArgumentException("there is no architecture '"
                    + value + "'; known are " + Architecture.ids()));
            return this;
        }

        public Builder hidden(int value) {
            hidden = value;
            return this;
        }

        public Builder ffn(int value) {
            ffn = value;
            return this;
        }

        public Builder layers(int value) {
            layers = value;
            return this;
        }

        /** Query heads, key/value heads and the width of each. */
        public Builder heads(int query, int keyValue, int width) {
            heads = query;
            kvHeads = keyValue;
            headDim = width;
            return this;
        }

        public Builder vocab(int value) {
            vocab = value;
            return this;
        }

        public Builder context(int value) {
            context = value;
            return this;
        }

        public Builder ropeTheta(float value) {
            ropeTheta = value;
            return this;
        }

        public Builder eps(float value) {
            eps = value;
            return this;
        }

        public Builder tied(boolean value) {
            tied = value;
            return this;
        }

        public Builder zeros(double value) {
            zeros = value;
            return this;
        }

        public Builder gateSparsity(double value) {
            gateSparsity = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** @throws IllegalArgumentException if no I2_S model can have this shape */
        public SynthSpec build() {
            return new SynthSpec(name, architecture, hidden, ffn, layers, heads, kvHeads, headDim, vocab, context,
                    ropeTheta, eps, tied, zeros, gateSparsity, seed);
        }
    }
}
