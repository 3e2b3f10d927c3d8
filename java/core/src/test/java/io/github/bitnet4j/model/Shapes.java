package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

/** Random models of shapes that the bundled one has not. */
enum Shapes {
    ONE_LAYER("bitnet-b1.58", b -> b.layers(1)),
    OLDER_NAME("bitnet-25", b -> b.layers(3).ffn(384)),
    OLDER_NAME_UNTIED("bitnet-25", b -> b.tied(false).vocab(317)),
    SILU("bitnet", b -> b.ropeTheta(10_000)),
    SILU_NARROW("bitnet", b -> b.hidden(128).ffn(128).heads(1, 1, 128)),
    LLAMA("llama", b -> b.tied(false)),
    LLAMA_DEEP("llama", b -> b.layers(5).hidden(128).ffn(384).heads(4, 1, 32)),
    NO_GROUPS("bitnet-b1.58", b -> b.heads(4, 4, 64)),
    GROUPS_OF_THREE("bitnet-b1.58", b -> b.hidden(384).ffn(640).heads(6, 2, 64)),
    GROUPS_OF_FOUR("llama", b -> b.hidden(512).ffn(256).heads(4, 1, 128)),
    GROUPS_OF_EIGHT("bitnet-b1.58", b -> b.heads(8, 1, 32)),
    HEADS_OF_96("bitnet", b -> b.hidden(384).heads(4, 2, 96)),
    HEADS_OF_100("bitnet-b1.58", b -> b.hidden(128).ffn(256).heads(32, 8, 100)),
    HEADS_OF_16("llama", b -> b.hidden(128).heads(8, 4, 16)),
    HEADS_WIDER_THAN_HIDDEN("bitnet-b1.58", b -> b.hidden(128).heads(4, 2, 64)),
    LARGE_EPSILON("bitnet-b1.58", b -> b.eps(0.1f)),
    ALL_ZERO_WEIGHTS("bitnet-b1.58", b -> b.zeros(1)),
    NO_ZERO_WEIGHTS("bitnet-b1.58", b -> b.zeros(0)),
    F32_HEAD("bitnet-b1.58", b -> b.tied(false)),
    Q8_0_HEAD("bitnet-b1.58", b -> b.tied(false)),
    Q8_0_EMBEDDINGS("bitnet-b1.58", b -> b),
    HALF_ROTATED("llama", b -> b),
    /** As in bitnet_b1_58-3B: no row of a feed-forward output is whole blocks of I2_S, and odd ones begin within one. */
    ROWS_WITHIN_BLOCKS("bitnet", b -> b.hidden(800).ffn(576).heads(8, 8, 100).ropeTheta(10_000)),
    ROWS_OF_A_QUARTER("bitnet-b1.58", b -> b.hidden(160).ffn(96).heads(5, 1, 32)),
    /** As in Falcon3. */
    HEADS_OF_256("llama", b -> b.hidden(256).ffn(256).heads(3, 1, 256).ropeTheta(1_000_042).eps(1e-6f).tied(false)),
    /** As in BitNet-embedding-0.6B. */
    QWEN3("qwen3", b -> b.heads(4, 2, 128).ropeTheta(1_000_000).eps(1e-6f)),
    ROPE_FACTORS("llama", b -> b.layers(1).tied(false)),
    LINEAR_ROPE("llama", b -> b.layers(1)),
    /** As in BitNet-embedding-270M. */
    GEMMA3("gemma3", b -> b.hidden(640).ffn(256).heads(4, 1, 256).ropeTheta(1_000_000).eps(1e-6f)),
    /** A layer that sees five positions, with a base of its own, between two that see all. */
    WINDOW("gemma3", b -> b.layers(3).heads(4, 1, 128).ropeTheta(1_000_000)),
    WINDOW_BY_PERIOD("gemma3", b -> b.heads(4, 2, 64));

    private final SynthSpec spec;

    Shapes(String architecture, UnaryOperator<SynthSpec.Builder> change) {
        spec = change.apply(SynthSpec.builder().architecture(architecture).name(name()).seed(ordinal())).build();
    }

    /** Random ids of this model's vocabulary. */
    int[] ids(int count) {
        return new Random(ordinal()).ints(count, 0, spec.vocab()).toArray();
    }

    /** 1 to 8. */
    private static float[] ropeFactors() {
        float[] factors = new float[32];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = 1 + 7 * i / 31f;
        }
        return factors;
    }

    Path write(Path folder) throws IOException {
        Path plain = folder.resolve(name() + "-plain.gguf");
        Synth.write(spec, plain);
        Path changed = folder.resolve(name() + ".gguf");
        long[] dims = {spec.hidden(), spec.vocab()};
        return switch (this) {
            case F32_HEAD -> new GgufEdit().tensor("output.weight", GgmlType.F32, dims,
                    GgufEdit.floats(GgufEdit.halves(plain, "output.weight"))).write(plain, changed);
            case Q8_0_HEAD -> new GgufEdit().tensor("output.weight", GgmlType.Q8_0, dims,
                    GgufEdit.q8(GgufEdit.halves(plain, "output.weight"))).write(plain, changed);
            case Q8_0_EMBEDDINGS -> new GgufEdit().tensor("token_embd.weight", GgmlType.Q8_0, dims,
                    GgufEdit.q8(GgufEdit.halves(plain, "token_embd.weight"))).write(plain, changed);
            case HALF_ROTATED -> new GgufEdit().u32(spec.architecture() + ".rope.dimension_count", spec.headDim() / 2)
                    .write(plain, changed);
            case ROPE_FACTORS -> new GgufEdit().tensor("rope_freqs.weight", GgmlType.F32, new long[] {32},
                    GgufEdit.floats(ropeFactors())).write(plain, changed);
            case LINEAR_ROPE -> new GgufEdit().string("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 4)
                    .write(plain, changed);
            case WINDOW -> new GgufEdit().u32("gemma3.attention.sliding_window", 5)
                    .bools("gemma3.attention.sliding_window_pattern", List.of(false, true, false))
                    .f32("gemma3.rope.freq_base_swa", 500).write(plain, changed);
            case WINDOW_BY_PERIOD -> new GgufEdit().u32("gemma3.attention.sliding_window", 9)
                    .u32("gemma3.attention.sliding_window_pattern", 2).write(plain, changed);
            default -> plain;
        };
    }
}
