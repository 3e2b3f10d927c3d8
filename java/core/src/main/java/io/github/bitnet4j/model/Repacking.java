package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.I2sRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Makes I2_S, in memory, of ternary matrices that no kernel multiplies as they lie in the file, with all threads while a
 * model is opened; and gives rows of I2_S that begin within a block blocks of their own ({@link I2sRows}). What kernels do
 * multiply stays where it is. Either way all weights are read, and one that is none of -1, 0 and 1 is found.
 */
final class Repacking {
    private static final List<GgmlType> WITHOUT_KERNELS =
            List.of(GgmlType.TQ1_0, GgmlType.TQ2_0, GgmlType.I2_S_64, GgmlType.I2_S_ROWS4);

    private final Kernels kernels;
    private final Arena arena;
    private long bytes;

    /** @param arena owns what is made */
    Repacking(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** The matrix itself, or its copy as I2_S. */
    Matrix runnable(Matrix matrix) {
        boolean within = matrix.type() == GgmlType.I2_S && !I2sRows.inPlace(matrix.cols());
        if (!within && !WITHOUT_KERNELS.contains(matrix.type())) {
            kernels.verify(matrix);
            return matrix;
        }
        long size = Kernels.bytes(GgmlType.I2_S, matrix.rows(), matrix.cols());
        MemorySegment copy = NativeMemory.allocate(size, arena);
        matrix.unpack(kernels, copy);
        bytes += size;
        return new Matrix(copy, GgmlType.I2_S, matrix.rows(), matrix.cols(), Optional.empty());
    }

    /** Bytes of all copies so far. */
    long bytes() {
        return bytes;
    }
}
