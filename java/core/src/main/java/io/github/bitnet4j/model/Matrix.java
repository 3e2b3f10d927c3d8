package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.I2sRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A matrix of weights, wherever it lies.
 *
 * @param data  the weights, perhaps with a scale behind them
 * @param tiles how they are cut, if they are TL1 or TL2
 */
public record Matrix(MemorySegment data, GgmlType type, long rows, long cols, Optional<TlTiles.Tiles> tiles) {

    /**
     * The matrix of a tensor: in the file, but for I2_S whose rows end within a block, which get blocks of their own
     * ({@link I2sRows}) in memory of the arena.
     */
    public static Matrix of(GgufTensor tensor, Optional<TlTiles.Tiles> tiles, Arena arena) {
        long rows = tensor.rows();
        long cols = tensor.cols();
        MemorySegment data = tensor.data();
        if (tensor.type() == GgmlType.I2_S && !I2sRows.inPlace(cols)) {
            data = NativeMemory.allocate(I2sRows.bytes(rows, cols), arena);
            I2sRows.spread(tensor.data(), rows, cols, data);
        }
        return new Matrix(data, tensor.type(), rows, cols, tiles);
    }

    /** As the kernels see it: {@code bn_matrix}. */
    MemorySegment describe(Arena arena, float scale) {
        MemorySegment matrix = bn_matrix.allocate(arena);
        bn_matrix.data(matrix, data);
        bn_matrix.rows(matrix, rows);
        bn_matrix.cols(matrix, cols);
        bn_matrix.type(matrix, type.id());
        bn_matrix.scale(matrix, scale);
        tiles.ifPresent(t -> t.fill(bn_matrix.tiles(matrix)));
        return matrix;
    }
}
