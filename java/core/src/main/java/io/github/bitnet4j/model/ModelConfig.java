package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import java.util.List;

/**
 * The shape of a model, read from the metadata of its file and checked against what the kernels can take.
 *
 * @param architecture  {@code general.architecture}, also the prefix of the other keys
 * @param vocabulary    rows of the embedding table
 * @param hidden        width of the residual stream
 * @param feedForward   width of the feed-forward block
 * @param layers        blocks
 * @param heads         query heads
 * @param kvHeads       key and value heads; heads is a multiple of it
 * @param headDim       width of a head
 * @param ropeDim       leading elements of a head that are rotated
 * @param ropeTheta     base of the rotation's frequencies
 * @param ropeStyle     which elements form a pair
 * @param epsilon       added to the mean square in RMSNorm
 * @param contextLength positions that the model was trained for
 * @param activation    of the gate
 * @param subNorms      whether attn_sub_norm and ffn_sub_norm exist
 */
public record ModelConfig(String architecture, int vocabulary, int hidden, int feedForward, int layers, int heads,
                          int kvHeads, int headDim, int ropeDim, double ropeTheta, RopeStyle ropeStyle, float epsilon,
                          int contextLength, Activation activation, boolean subNorms) {

    /** Which elements of a head RoPE turns together. The order is that of {@code bn_rope_style}. */
    public enum RopeStyle { HALVES, INTERLEAVED }

    /** What the gate goes through. The order is that of {@code bn_activation}. */
    public enum Activation { RELU2, SILU }

    /** The architectures that {@link BitNetTransformer} computes. */
    public static final List<String> ARCHITECTURES = List.of("bitnet-b1.58", "bitnet-25", "bitnet", "llama");

    /** Reads and checks the shape; throws a {@link BitNetException} that names the key. */
    public static ModelConfig read(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.string("general.architecture")
                .orElseThrow(() -> new BitNetException(file.path() + ": general.architecture is missing"));
        if (!ARCHITECTURES.contains(architecture)) {
            throw new BitNetException(file.path() + ": architecture '" + architecture + "' is not one that can run; known are "
                    + String.join(", ", ARCHITECTURES));
        }
        Keys keys = new Keys(file, architecture);
        int hidden = keys.count("embedding_length");
        int heads = keys.count("attention.head_count");
        keys.require(metadata.get(architecture + ".attention.key_length").isPresent() || hidden % heads == 0,
                "attention.head_count", heads + " heads do not divide the width of " + hidden);
        int headDim = keys.count("attention.key_length", hidden / heads);
        boolean bitnet = architecture.startsWith("bitnet");
        ModelConfig config = new ModelConfig(architecture, (int) file.requireTensor("token_embd.weight").rows(), hidden,
                keys.count("feed_forward_length"), keys.count("block_count"), heads,
                keys.count("attention.head_count_kv", heads), headDim, keys.count("rope.dimension_count", headDim),
                keys.number("rope.freq_base", 10000), bitnet ? RopeStyle.HALVES : RopeStyle.INTERLEAVED,
                (float) keys.number("attention.layer_norm_rms_epsilon", 1e-5), keys.count("context_length"),
                architecture.equals("bitnet-b1.58") || architecture.equals("bitnet-25") ? Activation.RELU2 : Activation.SILU,
                bitnet);
        config.check(keys);
        return config;
    }

    private void check(Keys keys) {
        keys.require(heads % kvHeads == 0, "attention.head_count_kv", kvHeads + " does not divide the " + heads + " heads");
        keys.require(headDim % 4 == 0 && headDim <= 512, "attention.key_length",
                "a head of " + headDim + " elements; the kernels take multiples of 4 up to 512");
        keys.require(ropeDim % 2 == 0 && ropeDim <= headDim, "rope.dimension_count",
                ropeDim + " is odd or exceeds the head's " + headDim + " elements");
        keys.require(ropeTheta > 0 && Double.isFinite(ropeTheta), "rope.freq_base", ropeTheta + " is not a positive number");
        keys.require(epsilon >= 0 && Float.isFinite(epsilon), "attention.layer_norm_rms_epsilon",
                epsilon + " is not a number from 0 up");
    }

    /** Bytes of keys and values that one position occupies in all layers. */
    public long kvBytesPerPosition(KvPrecision precision) {
        return 2L * layers * kvHeads * precision.bytes(headDim);
    }

    /** The architecture's keys, with errors that name them. */
    private record Keys(GgufFile file, String architecture) {
        int count(String key) {
            return checked(key, file.metadata().integer(name(key)).orElseThrow(
                    () -> new BitNetException(file.path() + ": " + name(key) + " is missing")));
        }

        int count(String key, int otherwise) {
            return checked(key, file.metadata().integer(name(key)).orElse(otherwise));
        }

        double number(String key, double otherwise) {
            return file.metadata().number(name(key)).orElse(otherwise);
        }

        void require(boolean condition, String key, String problem) {
            if (!condition) {
                throw new BitNetException(file.path() + ": " + name(key) + ": " + problem);
            }
        }

        private int checked(String key, long value) {
            require(value >= 1 && value <= 1 << 24, key, value + " is not between 1 and " + (1 << 24));
            return (int) value;
        }

        private String name(String key) {
            return architecture + "." + key;
        }
    }
}
