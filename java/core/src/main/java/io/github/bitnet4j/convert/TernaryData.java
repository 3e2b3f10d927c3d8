package io.github.bitnet4j.convert;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Matrix;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TqScales;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;

/**
 * A tensor of a file in any ternary format, made of weights in memory when it is its turn.
 *
 * @param i2s   rows of I2_S that have blocks of their own
 * @param scale what a weight of +1 is worth
 * @param type  of the tensor
 * @param tiles of the tensor, if it is TL1 or TL2
 */
public record TernaryData(Kernels kernels, Matrix i2s, float scale, GgmlType type, Optional<TlTiles.Tiles> tiles)
        implements TensorData {
    /** A cache line, so that kernels write whole ones. */
    private static final int ALIGNMENT = 64;

    /** @throws io.github.bitnet4j.BitNetException if the format has no place for the scale, or not these tiles */
    @Override
    public void writeTo(WritableByteChannel out) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment weights = type == GgmlType.I2_S ? joined(arena) : repacked(arena);
            if (TqScales.has(type)) {
                TqScales.put(scale, type, weights);
                TensorData.of(weights).writeTo(out);
            } else {
                TensorData.of(weights).writeTo(out);
                out.write(ByteBuffer.allocate(GgmlType.SCALE_BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, scale));
            }
        }
    }

    /** As a file holds them. */
    private MemorySegment joined(Arena arena) {
        if (I2sRows.inPlace(i2s.cols())) {
            return i2s.data();
        }
        MemorySegment blocks = arena.allocate(i2s.rows() * i2s.cols() / 4, ALIGNMENT);
        I2sRows.join(i2s.data(), i2s.rows(), i2s.cols(), blocks);
        return blocks;
    }

    private MemorySegment repacked(Arena arena) {
        MemorySegment weights = arena.allocate(Kernels.bytes(type, i2s.rows(), i2s.cols()), ALIGNMENT);
        kernels.repack(i2s, type, tiles, weights);
        return weights;
    }
}
