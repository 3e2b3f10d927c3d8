package io.github.bitnet4j.synth;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Shapes of published models, and tiny ones for tests. Sizes are those of the published {@code config.json} files; every
 * preset has a byte-level BPE vocabulary, also where the published model has a SentencePiece one of that size.
 */
public enum SynthPreset {
    /** microsoft/bitnet-b1.58-2B-4T: 24 pairs and 332 tensors as in the published I2_S file, 1.19 GB. */
    B2_4T("2b-4t", "microsoft/bitnet-b1.58-2B-4T", SynthSpec.builder().name("bitnet2b").hidden(2560).ffn(6912)
            .layers(30).heads(20, 5, 128).vocab(128_256).context(4096).build()),
    /** 1bitLLM/bitnet_b1_58-large, 0.27 GB. */
    LARGE("large", "1bitLLM/bitnet_b1_58-large", SynthSpec.builder().name("bitnet_b1_58-large").architecture("bitnet")
            .hidden(1536).ffn(4096).layers(24).heads(16, 16, 96).vocab(32_002).context(2048).ropeTheta(10_000).build()),
    /** 1bitLLM/bitnet_b1_58-3B, 1.01 GB. */
    B3("3b", "1bitLLM/bitnet_b1_58-3B", SynthSpec.builder().name("bitnet_b1_58-3B").architecture("bitnet")
            .hidden(3200).ffn(8640).layers(26).heads(32, 32, 100).vocab(32_002).context(2048).ropeTheta(10_000).build()),
    /** HF1BitLLM/Llama3-8B-1.58-100B-tokens, 3.9 GB: two F16 matrices of 1.05 GB each are embeddings and head. */
    LLAMA3_8B("llama3-8b", "HF1BitLLM/Llama3-8B-1.58-100B-tokens", SynthSpec.builder().name("Llama3-8B-1.58-100B-tokens")
            .architecture("llama").hidden(4096).ffn(14_336).layers(32).heads(32, 8, 128).vocab(128_256).context(8192)
            .tied(false).build()),
    /** tiiuae/Falcon3-1B-Instruct-1.58bit, 1.4 GB. */
    FALCON3_1B("falcon3-1b", "tiiuae/Falcon3-1B-Instruct-1.58bit", falcon("Falcon3-1B-Instruct-1.58bit")
            .hidden(2048).ffn(8192).layers(18).heads(8, 4, 256).vocab(131_072).context(8192).build()),
    /** tiiuae/Falcon3-3B-Instruct-1.58bit, 2.2 GB. */
    FALCON3_3B("falcon3-3b", "tiiuae/Falcon3-3B-Instruct-1.58bit", falcon("Falcon3-3B-Instruct-1.58bit")
            .hidden(3072).ffn(9216).layers(22).heads(12, 4, 256).vocab(131_072).context(32_768).build()),
    /** tiiuae/Falcon3-7B-Instruct-1.58bit, 3.3 GB. */
    FALCON3_7B("falcon3-7b", "tiiuae/Falcon3-7B-Instruct-1.58bit", falcon("Falcon3-7B-Instruct-1.58bit")
            .hidden(3072).ffn(23_040).layers(28).heads(12, 4, 256).vocab(131_080).context(32_768).build()),
    /** tiiuae/Falcon3-10B-Instruct-1.58bit, 4.0 GB. */
    FALCON3_10B("falcon3-10b", "tiiuae/Falcon3-10B-Instruct-1.58bit", falcon("Falcon3-10B-Instruct-1.58bit")
            .hidden(3072).ffn(23_040).layers(40).heads(12, 4, 256).vocab(131_072).context(32_768).build()),
    /**
     * tiiuae/Falcon-E-1B, 0.66 GB. Layers and untied head are those of the published file, the widths those that give its size;
     * theta and context are Falcon3's.
     */
    FALCON_E_1B("falcon-e-1b", "tiiuae/Falcon-E-1B-Instruct", falcon("Falcon-E-1B-Instruct")
            .hidden(2048).ffn(9216).layers(24).heads(16, 2, 128).vocab(32_768).context(32_768).build()),
    /** tiiuae/Falcon-E-3B, 1.00 GB; theta and context are Falcon3's. */
    FALCON_E_3B("falcon-e-3b", "tiiuae/Falcon-E-3B-Instruct", falcon("Falcon-E-3B-Instruct")
            .hidden(2048).ffn(13_312).layers(32).heads(16, 2, 128).vocab(32_768).context(32_768).build()),
    /** microsoft/bitnet-embedding-0.6b: 506 tensors as in the published I2_S file, 0.43 GB. */
    EMBEDDING_0_6B("embedding-0.6b", "microsoft/bitnet-embedding-0.6b", embedding("bitnet-embeddings-0.6b", "qwen3")
            .hidden(1024).ffn(3072).layers(28).heads(16, 8, 128).vocab(151_936).context(32_768).build()),
    /** microsoft/bitnet-embedding-270m: 362 tensors as in the published I2_S file, 0.37 GB. */
    EMBEDDING_270M("embedding-270m", "microsoft/bitnet-embedding-270m", embedding("bitnet-embeddings-270m", "gemma3")
            .hidden(640).ffn(2048).layers(18).heads(4, 1, 256).vocab(262_144).context(32_768).build()),
    /** Two layers of 256, half a megabyte. */
    TINY("tiny", "no published model, for tests", SynthSpec.builder().name("tiny").build()),
    /** As {@link #B3}: heads of 100, rows that end within a block of I2_S; two layers, three megabytes. */
    TINY_BITNET("tiny-bitnet", "no published model, for tests", SynthSpec.builder().name("tiny-bitnet").architecture("bitnet")
            .hidden(800).ffn(576).heads(8, 8, 100).ropeTheta(10_000).build()),
    /** As {@link #LLAMA3_8B}, two layers of 256, one megabyte. */
    TINY_LLAMA("tiny-llama", "no published model, for tests", SynthSpec.builder().name("tiny-llama").architecture("llama")
            .tied(false).build()),
    /** As {@link #EMBEDDING_0_6B}, two layers of 256, one megabyte. */
    TINY_QWEN3("tiny-qwen3", "no published model, for tests", embedding("tiny-qwen3", "qwen3").heads(4, 2, 128).build()),
    /** As {@link #EMBEDDING_270M}, two layers of 128, half a megabyte. */
    TINY_GEMMA3("tiny-gemma3", "no published model, for tests", embedding("tiny-gemma3", "gemma3").hidden(128)
            .heads(4, 1, 256).build());

    private final String id;
    private final String source;
    private final SynthSpec spec;

    SynthPreset(String id, String source, SynthSpec spec) {
        this.id = id;
        this.source = source;
        this.spec = spec;
    }

    private static SynthSpec.Builder falcon(String name) {
        return SynthSpec.builder().name(name).architecture("llama").ropeTheta(1_000_042).eps(1e-6f).tied(false);
    }

    private static SynthSpec.Builder embedding(String name, String architecture) {
        return SynthSpec.builder().name(name).architecture(architecture).ropeTheta(1_000_000).eps(1e-6f);
    }

    /** The name on the command line. */
    public String id() {
        return id;
    }

    /** Which published model has this shape, and how the preset differs from it if it does. */
    public String source() {
        return source;
    }

    /** The shape, with 42 % zeros and seed 42. */
    public SynthSpec spec() {
        return spec;
    }

    /** The preset with this {@link #id()}. */
    public static Optional<SynthPreset> byId(String id) {
        return Arrays.stream(values()).filter(preset -> preset.id.equals(id)).findFirst();
    }

    /** All ids, separated by commas, for messages. */
    public static String ids() {
        return Arrays.stream(values()).map(SynthPreset::id).collect(Collectors.joining(", "));
    }
}
