package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.gguf.GgmlType;
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

    /** Writes ternary weights as a file holds them, in any format, as rows of I2_S that have blocks of their own. */
    void unpack(Kernels kernels, MemorySegment i2s) {
        if (type == GgmlType.I2_S) {
            I2sRows.spread(data, rows, cols, i2s);
            kernels.verify(new Matrix(i2s, type, rows, cols, tiles));
        } else {
            kernels.repack(this, GgmlType.I2_S, Optional.empty(), i2s);
        }
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
