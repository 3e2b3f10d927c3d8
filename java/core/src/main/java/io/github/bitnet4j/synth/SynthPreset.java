package io.github.bitnet4j.synth;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Shapes of published models, and a tiny one for tests. Sizes are those of the published {@code config.json} files; every
 * preset has a byte-level BPE vocabulary, also where the published model has a SentencePiece one of that size.
 */
public enum SynthPreset {
    /** microsoft/bitnet-b1.58-2B-4T: 24 pairs and 332 tensors as in the published I2_S file, 1.19 GB. */
    B2_4T("2b-4t", "microsoft/bitnet-b1.58-2B-4T", SynthSpec.builder().name("bitnet2b").hidden(2560).ffn(6912)
            .layers(30).heads(20, 5, 128).vocab(128_256).context(4096).build()),
    /** 1bitLLM/bitnet_b1_58-large, 0.27 GB. */
    LARGE("large", "1bitLLM/bitnet_b1_58-large", SynthSpec.builder().name("bitnet_b1_58-large").architecture("bitnet")
            .hidden(1536).ffn(4096).layers(24).heads(16, 16, 96).vocab(32_002).context(2048).ropeTheta(10_000).build()),
    /**
     * 1bitLLM/bitnet_b1_58-3B with its feed-forward size of 8640 rounded up to 8704, 1.04 GB. The true size is no
     * multiple of 128: I2_S cannot hold it, and this model was only ever published as TL1 and TL2.
     */
    B3("3b", "1bitLLM/bitnet_b1_58-3B, feed-forward size 8640 rounded up to 8704 for I2_S",
            SynthSpec.builder().name("bitnet_b1_58-3B-ffn8704").architecture("bitnet").hidden(3200).ffn(8704).layers(26)
                    .heads(32, 32, 100).vocab(32_002).context(2048).ropeTheta(10_000).build()),
    /** HF1BitLLM/Llama3-8B-1.58-100B-tokens, 3.9 GB: two F16 matrices of 1.05 GB each are embeddings and head. */
    B8("8b", "HF1BitLLM/Llama3-8B-1.58-100B-tokens", SynthSpec.builder().name("Llama3-8B-1.58-100B-tokens")
            .architecture("llama").hidden(4096).ffn(14_336).layers(32).heads(32, 8, 128).vocab(128_256).context(8192)
            .tied(false).build()),
    /** Two layers of 256, half a megabyte. */
    TINY("tiny", "no published model, for tests", SynthSpec.builder().name("tiny").build());

    private final String id;
    private final String source;
    private final SynthSpec spec;

    SynthPreset(String id, String source, SynthSpec spec) {
        this.id = id;
        this.source = source;
        this.spec = spec;
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
