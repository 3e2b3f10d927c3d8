package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.model.ReferenceModel.Gate;
import io.github.bitnet4j.model.ReferenceModel.Head;
import io.github.bitnet4j.model.ReferenceModel.Norms;
import io.github.bitnet4j.model.ReferenceModel.Shape;
import io.github.bitnet4j.model.ReferenceModel.Ternary;
import io.github.bitnet4j.model.ReferenceModel.Window;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;

/** The numbers of a GGUF file, by the specification of its formats. */
final class GgufSource implements ReferenceModel.Source {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int Q8_0_BLOCK = 32;
    private static final int Q8_0_BYTES = 34;

    private final GgufFile file;

    GgufSource(GgufFile file) {
        this.file = file;
    }

    @Override
    public Shape shape() {
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.string("general.architecture").orElseThrow();
        String prefix = architecture + ".";
        int heads = (int) metadata.integer(prefix + "attention.head_count").orElseThrow();
        int headDim = (int) metadata.integer(prefix + "attention.key_length")
                .orElseGet(() -> metadata.integer(prefix + "embedding_length").orElseThrow() / heads);
        double ropeScale = metadata.string(prefix + "rope.scaling.type").orElse("none").equals("linear")
                ? metadata.number(prefix + "rope.scaling.factor").orElseThrow() : 1;
        return new Shape((int) metadata.integer(prefix + "block_count").orElseThrow(), heads,
                (int) metadata.integer(prefix + "attention.head_count_kv").orElse(heads), headDim,
                (int) metadata.integer(prefix + "rope.dimension_count").orElse(headDim),
                metadata.number(prefix + "rope.freq_base").orElse(10000), ropeScale,
                file.tensor("rope_freqs.weight").map(tensor -> table("rope_freqs.weight")[0]).orElse(null),
                metadata.number(prefix + "attention.layer_norm_rms_epsilon").orElse(1e-5), architecture.equals("llama"),
                gate(architecture), norms(architecture), head(architecture), window(metadata, prefix));
    }

    /** As llama.cpp reads gemma3's keys: all layers but every sixth, or those that the file names. */
    private static Window window(GgufMetadata metadata, String prefix) {
        int positions = (int) metadata.integer(prefix + "attention.sliding_window").orElse(0);
        if (positions == 0) {
            return null;
        }
        GgufValue pattern = metadata.get(prefix + "attention.sliding_window_pattern").orElse(new GgufValue.Int(GgufType.U32, 6));
        Set<Integer> layers = new HashSet<>();
        for (int i = 0; i < metadata.integer(prefix + "block_count").orElseThrow(); i++) {
            if (pattern instanceof GgufArray array ? array.get(i).equals(new GgufValue.Bool(true))
                    : (i + 1) % ((GgufValue.Int) pattern).value() != 0) {
                layers.add(i);
            }
        }
        return new Window(positions, layers, metadata.number(prefix + "rope.freq_base_swa").orElse(10_000));
    }

    private static Gate gate(String architecture) {
        return switch (architecture) {
            case "bitnet-b1.58", "bitnet-25" -> Gate.RELU2;
            case "gemma3" -> Gate.GELU;
            default -> Gate.SILU;
        };
    }

    private static Norms norms(String architecture) {
        return switch (architecture) {
            case "llama" -> Norms.NONE;
            case "qwen3" -> Norms.INPUTS;
            case "gemma3" -> Norms.GEMMA;
            default -> Norms.SUB;
        };
    }

    private Head head(String architecture) {
        return architecture.equals("qwen3") || architecture.equals("gemma3") ? Head.NONE
                : file.tensor("output.weight").isEmpty() ? Head.TIED : Head.OWN;
    }

    @Override
    public float[][] table(String name) {
        return table(file.requireTensor(name));
    }

    @Override
    public Ternary ternary(String name) {
        return ternary(file.requireTensor(name));
    }

    /** I2_S: element e of the tensor in byte (e/128)*32 + e%32, shift 6 - 2*((e%128)/32); the scale after M*K/4 bytes. */
    private static Ternary ternary(GgufTensor tensor) {
        if (tensor.type() != GgmlType.I2_S) {
            throw new IllegalArgumentException(tensor + " is not I2_S");
        }
        MemorySegment data = tensor.data();
        byte[][] rows = new byte[(int) tensor.rows()][(int) tensor.cols()];
        long e = 0;
        for (byte[] row : rows) {
            for (int k = 0; k < row.length; k++, e++) {
                int packed = data.get(ValueLayout.JAVA_BYTE, e / 128 * 32 + e % 32);
                row[k] = (byte) ((packed >> 6 - 2 * (e % 128 / 32) & 3) - 1);
            }
        }
        return new Ternary(rows, data.get(F32, e / 4));
    }

    private static float[][] table(GgufTensor tensor) {
        float[][] rows = new float[(int) tensor.rows()][(int) tensor.cols()];
        MemorySegment data = tensor.data();
        long e = 0;
        for (float[] row : rows) {
            for (int k = 0; k < row.length; k++, e++) {
                row[k] = element(tensor.type(), data, e);
            }
        }
        return rows;
    }

    private static float element(GgmlType type, MemorySegment data, long e) {
        return switch (type) {
            case F32 -> data.get(F32, 4 * e);
            case F16 -> Float.float16ToFloat(data.get(F16, 2 * e));
            case Q8_0 -> { // blocks of an f16 scale and 32 int8
                long block = e / Q8_0_BLOCK * Q8_0_BYTES;
                yield Float.float16ToFloat(data.get(F16, block))
                        * data.get(ValueLayout.JAVA_BYTE, block + 2 + e % Q8_0_BLOCK);
            }
            default -> throw new IllegalArgumentException("no table has type " + type);
        };
    }
}
