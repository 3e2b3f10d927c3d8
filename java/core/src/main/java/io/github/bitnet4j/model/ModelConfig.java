package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The shape of a model, read from the metadata of its file and checked against what the kernels can take.
 *
 * @param architecture    {@code general.architecture}
 * @param vocabulary      rows of the embedding table
 * @param hidden          width of the residual stream
 * @param feedForward     width of the feed-forward block
 * @param layers          blocks
 * @param heads           query heads
 * @param kvHeads         key and value heads; heads is a multiple of it
 * @param headDim         width of a head
 * @param ropeDim         leading elements of a head that are rotated
 * @param ropeTheta       base of the rotation's frequencies
 * @param ropeLinearScale divides all angles; 1 unless the file asks for linear scaling
 * @param epsilon         added to the mean square in RMSNorm
 * @param contextLength   positions that the model was trained for
 * @param window          of layers that do not see all of a text, if the model has such
 * @param positionLimit   beyond it, layers of other architectures would see a window, which is not computed
 */
public record ModelConfig(Architecture architecture, int vocabulary, int hidden, int feedForward, int layers, int heads,
                          int kvHeads, int headDim, int ropeDim, double ropeTheta, double ropeLinearScale, float epsilon,
                          int contextLength, Optional<SlidingWindow> window, int positionLimit) {

    /**
     * Metadata of models for embeddings that were converted here: the tokens that texts are cut to, {@code max_seq_length} of
     * sentence-transformers, for which llama.cpp has no key.
     */
    public static final String MOST_TOKENS_KEY = "bitnet4j.embedding.max_tokens";

    /** Gemma 3's, where a file names no others. */
    private static final int WINDOW_PERIOD = 6;
    private static final double WINDOW_THETA = 10_000;

    /** Reads and checks the shape; throws a {@link BitNetException} that names the key. */
    public static ModelConfig read(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        String id = metadata.string("general.architecture")
                .orElseThrow(() -> new BitNetException(file.path() + ": general.architecture is missing"));
        Architecture architecture = Architecture.named(id).orElseThrow(() -> new BitNetException(file.path()
                + ": architecture '" + id + "' is not one that can run; known are " + Architecture.ids()));
        Keys keys = new Keys(file, id);
        int hidden = keys.count("embedding_length");
        int heads = keys.count("attention.head_count");
        keys.require(keys.has("attention.key_length") || hidden % heads == 0,
                "attention.head_count", heads + " heads do not divide the width of " + hidden);
        int headDim = keys.count("attention.key_length", hidden / heads);
        int layers = keys.count("block_count");
        int contextLength = keys.count("context_length");
        int positionLimit = architecture == Architecture.GEMMA3 ? Integer.MAX_VALUE
                : keys.windowPositions().orElse(Integer.MAX_VALUE);
        ModelConfig config = new ModelConfig(architecture, (int) file.requireTensor("token_embd.weight").rows(), hidden,
                keys.count("feed_forward_length"), layers, heads,
                keys.count("attention.head_count_kv", heads), headDim, keys.count("rope.dimension_count", headDim),
                keys.number("rope.freq_base", 10000), ropeLinearScale(keys),
                (float) keys.number("attention.layer_norm_rms_epsilon", 1e-5), Math.min(contextLength, positionLimit),
                architecture == Architecture.GEMMA3 ? window(keys, layers) : Optional.empty(), positionLimit);
        config.check(keys);
        return config;
    }

    private static double ropeLinearScale(Keys keys) {
        String type = keys.text("rope.scaling.type", "none");
        keys.require(type.equals("none") || type.equals("linear"), "rope.scaling.type",
                "'" + type + "' is not one that can run; known are none, linear, and Llama 3's tensor rope_freqs.weight");
        return type.equals("linear") ? keys.number("rope.scaling.factor", 1) : 1;
    }

    private static Optional<SlidingWindow> window(Keys keys, int layers) {
        return keys.windowPositions().map(positions -> new SlidingWindow(positions, keys.windowLayers(layers),
                keys.number("rope.freq_base_swa", WINDOW_THETA)));
    }

    private void check(Keys keys) {
        keys.require(keys.count("attention.value_length", headDim) == headDim, "attention.value_length",
                "values are not as wide as keys, which have " + headDim + " elements");
        keys.require(keys.flag("attention.causal", true), "attention.causal",
                "attention to what follows cannot run; in published ternary models tokens see those before them");
        keys.require(heads % kvHeads == 0, "attention.head_count_kv", kvHeads + " does not divide the " + heads + " heads");
        keys.require(headDim % 4 == 0 && headDim <= 512, "attention.key_length",
                "a head of " + headDim + " elements; the kernels take multiples of 4 up to 512");
        keys.require(ropeDim % 2 == 0 && ropeDim <= headDim, "rope.dimension_count",
                ropeDim + " is odd or exceeds the head's " + headDim + " elements");
        keys.require(ropeTheta > 0 && Double.isFinite(ropeTheta), "rope.freq_base", ropeTheta + " is not a positive number");
        window.ifPresent(some -> keys.require(some.ropeTheta() > 0 && Double.isFinite(some.ropeTheta()), "rope.freq_base_swa",
                some.ropeTheta() + " is not a positive number"));
        keys.require(ropeLinearScale > 0 && Double.isFinite(ropeLinearScale), "rope.scaling.factor",
                ropeLinearScale + " is not a positive number");
        keys.require(epsilon >= 0 && Float.isFinite(epsilon), "attention.layer_norm_rms_epsilon",
                epsilon + " is not a number from 0 up");
    }

    /** What the gate goes through. */
    public Architecture.Activation activation() {
        return architecture.activation();
    }

    /** What embeddings are multiplied by. */
    float embeddingFactor() {
        return architecture.embeddingFactor(hidden);
    }

    /** Whether tokens see a window only in this layer. */
    boolean isWindowed(int layer) {
        return window.isPresent() && window.get().layers().get(layer);
    }

    /** All query heads side by side. */
    long attentionWidth() {
        return (long) heads * headDim;
    }

    /** All key heads, or value heads, side by side. */
    long kvWidth() {
        return (long) kvHeads * headDim;
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

        boolean has(String key) {
            return file.metadata().get(name(key)).isPresent();
        }

        boolean flag(String key, boolean otherwise) {
            return file.metadata().bool(name(key)).orElse(otherwise);
        }

        double number(String key, double otherwise) {
            return file.metadata().number(name(key)).orElse(otherwise);
        }

        String text(String key, String otherwise) {
            return file.metadata().string(name(key)).orElse(otherwise);
        }

        /** Those that a token sees in some layers; empty if none of them has a window, which files also write as 0. */
        Optional<Integer> windowPositions() {
            String key = "attention.sliding_window";
            long positions = file.metadata().integer(name(key)).orElse(0);
            return positions == 0 ? Optional.empty() : Optional.of(checked(key, positions));
        }

        /** All but every sixth, unless the file names another period, or each layer. */
        List<Boolean> windowLayers(int layers) {
            String key = "attention.sliding_window_pattern";
            if (file.metadata().get(name(key)).orElse(null) instanceof GgufArray pattern) {
                require(pattern.length() == layers && pattern.elementType() == GgufType.BOOL, key,
                        pattern.length() + " values of type " + pattern.elementType() + "; it must be one truth value for each of the "
                                + layers + " layers, or the number of layers after which one sees everything");
                return IntStream.range(0, layers).mapToObj(i -> ((GgufValue.Bool) pattern.get(i)).value()).toList();
            }
            int period = count(key, WINDOW_PERIOD);
            return IntStream.range(0, layers).mapToObj(i -> (i + 1) % period != 0).toList();
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
