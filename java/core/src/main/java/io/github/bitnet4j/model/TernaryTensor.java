package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

/**
 * A ternary tensor of a file, in whatever format it is stored.
 *
 * @param place  file and name, for sentences
 * @param matrix its codes
 * @param scale  what a weight of +1 is worth, a positive number
 */
public record TernaryTensor(String place, Matrix matrix, float scale) {
    /** The formats that models come in. */
    public static final List<GgmlType> PUBLISHED = List.of(GgmlType.I2_S, GgmlType.TL1, GgmlType.TL2, GgmlType.TQ1_0, GgmlType.TQ2_0);
    /** All formats, those of optimised files among them. */
    public static final List<GgmlType> TYPES = Stream.concat(PUBLISHED.stream(), Stream.of(GgmlType.I2_R16, GgmlType.I2_C,
            GgmlType.B3_R80)).toList();

    /** Whether a tensor is one in a format that models come in. */
    public static boolean isPublished(GgufTensor tensor) {
        return PUBLISHED.contains(tensor.type()) && tensor.rank() == 2;
    }

    /**
     * Finds out how a tensor is laid out and what its scale is.
     *
     * @throws BitNetException if the file does not say it, or says what cannot be
     */
    public static TernaryTensor of(GgufFile file, GgufTensor tensor, TernaryLayout layout) {
        String place = file.path() + ": tensor " + tensor.name() + ": ";
        try {
            GgmlType type = tensor.type() == GgmlType.I2_S ? layout.order().type() : tensor.type();
            Matrix matrix = new Matrix(tensor.data(), type, tensor.rows(), tensor.cols(),
                    layout.tiles().or(TlTiles.of(file)).of(tensor));
            float scale = TqScales.has(type) ? TqScales.of(file, tensor)
                    : tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, tensor.byteSize() - GgmlType.SCALE_BYTES);
            if (!(scale > 0) || Float.isInfinite(scale)) {
                throw new BitNetException("it has the scale " + scale + ", which is no positive number; the file is corrupt");
            }
            return new TernaryTensor(place, matrix, scale);
        } catch (BitNetException e) {
            throw new BitNetException(place + e.getMessage(), e);
        }
    }

    /**
     * Writes the weights as rows of I2_S that have blocks of their own.
     *
     * @param i2s {@link Kernels#bytes} of I2_S, zeros, 64-byte aligned
     * @throws BitNetException if one is none of -1, 0 and 1
     */
    public void unpack(Kernels kernels, MemorySegment i2s) {
        try {
            matrix.unpack(kernels, i2s);
        } catch (BitNetException e) {
            throw new BitNetException(place + e.getMessage(), e);
        }
    }
}
