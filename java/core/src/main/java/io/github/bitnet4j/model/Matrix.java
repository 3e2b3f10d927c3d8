package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.gguf.GgmlType;
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
