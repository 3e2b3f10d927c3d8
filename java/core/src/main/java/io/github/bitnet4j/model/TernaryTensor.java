package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * A ternary tensor of a file, in whatever format it is stored.
 *
 * @param matrix its codes
 * @param scale  what a weight of +1 is worth, a positive number
 */
public record TernaryTensor(Matrix matrix, float scale) {
    /** The formats. */
    public static final List<GgmlType> TYPES = List.of(GgmlType.I2_S, GgmlType.I2_R16, GgmlType.I2_C, GgmlType.B3_R16,
            GgmlType.TL1, GgmlType.TL2, GgmlType.TQ1_0, GgmlType.TQ2_0);

    /**
     * Finds out how a tensor is laid out and what its scale is.
     *
     * @throws BitNetException if the file does not say it, or says what cannot be
     */
    public static TernaryTensor of(GgufFile file, GgufTensor tensor, TernaryLayout layout) {
        try {
            GgmlType type = tensor.type() == GgmlType.I2_S ? layout.order().type() : tensor.type();
            Matrix matrix = new Matrix(tensor.data(), type, tensor.rows(), tensor.cols(),
                    layout.tiles().or(TlTiles.of(file)).of(tensor));
            float scale = TqScales.has(type) ? TqScales.of(file, tensor)
                    : tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, tensor.byteSize() - GgmlType.SCALE_BYTES);
            if (!(scale > 0) || Float.isInfinite(scale)) {
                throw new BitNetException("it has the scale " + scale + ", which is no positive number; the file is corrupt");
            }
            return new TernaryTensor(matrix, scale);
        } catch (BitNetException e) {
            throw new BitNetException(file.path() + ": tensor " + tensor.name() + ": " + e.getMessage(), e);
        }
    }
}
