package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * The scales of TQ1_0 and TQ2_0 tensors: an f16 in the last two bytes of each block. Ternary models have one scale a tensor,
 * which all of its blocks repeat, but for blocks of zeros, whose scale llama.cpp writes as 0. As f16 holds few f32 numbers,
 * files written here keep the tensors' own scales in their metadata.
 */
public final class TqScales {
    /** Metadata: an f32 array, the scale of each TQ1_0 or TQ2_0 tensor in the order of the file. */
    public static final String KEY = "bitnet4j.tq.scales";

    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int SIGN = 0x8000;

    private TqScales() {}

    /** Whether a type keeps its scale in its blocks. */
    public static boolean has(GgmlType type) {
        return type == GgmlType.TQ1_0 || type == GgmlType.TQ2_0;
    }

    /** The one scale of a tensor: that of the metadata if the blocks hold it rounded, otherwise that of the blocks. */
    static float of(GgufFile file, GgufTensor tensor) {
        short common = common(tensor);
        return recorded(file, tensor).filter(scale -> Float.floatToFloat16(scale) == common)
                .orElse(Float.float16ToFloat(common));
    }

    private static Optional<Float> recorded(GgufFile file, GgufTensor tensor) {
        List<GgufTensor> all = file.tensors().stream().filter(each -> has(each.type())).toList();
        Optional<GgufArray> scales = file.metadata().array(KEY);
        if (scales.isPresent() && scales.get().length() != all.size()) {
            throw new BitNetException("the metadata key " + KEY + " has " + scales.get().length() + " scales for " + all.size()
                    + " tensors; the file is damaged");
        }
        return scales.map(array -> array.floats()[all.indexOf(tensor)]);
    }

    private static short common(GgufTensor tensor) {
        short common = 0;
        long first = 0;
        long bytes = tensor.type().blockBytes();
        for (long block = 0; block < tensor.byteSize() / bytes; block++) {
            short half = tensor.data().get(HALF, (block + 1) * bytes - Short.BYTES);
            boolean zero = (half & ~SIGN) == 0;
            if (zero || half == common) {
                continue;
            }
            if (common != 0) {
                throw new BitNetException("its blocks differ in scale (" + Float.float16ToFloat(common) + " in block " + first
                        + ", " + Float.float16ToFloat(half) + " in block " + block + "); only ternary models can run here, which "
                        + "have one scale a tensor");
            }
            common = half;
            first = block;
        }
        return common;
    }

    /**
     * Writes the scale of every block.
     *
     * @param weights of a whole tensor
     * @throws BitNetException if f16 has no place for it
     */
    public static void put(float scale, GgmlType type, MemorySegment weights) {
        short half = Float.floatToFloat16(scale);
        if (!(Float.float16ToFloat(half) > 0) || Float.isInfinite(Float.float16ToFloat(half))) {
            throw new BitNetException("its scale " + scale + " has no place in the f16 of " + type);
        }
        long bytes = type.blockBytes();
        for (long end = bytes; end <= weights.byteSize(); end += bytes) {
            weights.set(HALF, end - Short.BYTES, half);
        }
    }
}
