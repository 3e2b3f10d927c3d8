package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.convert.ModelWriter;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.model.Kernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A linear of a checkpoint on its way into a file.
 *
 * @param order the checkpoint's row for each of the file's
 */
record CheckpointLinear(TernaryLinear weights, IntUnaryOperator order, int rows, int cols) implements ModelWriter.Linear {
    /** Rows that are one piece of a thread's work. */
    private static final int PIECE = 32;
    private static final int BLOCK = 128;

    @Override
    public float scale() {
        return weights.scale();
    }

    @Override
    public void codes(Kernels kernels, MemorySegment i2s) {
        weights.scale(); // before the threads that all need it
        IntStream.range(0, Math.ceilDiv(rows, PIECE)).parallel().forEach(piece -> {
            TernaryLinear.Rows reader = weights.rows(cols);
            byte[] codes = new byte[cols];
            byte[] packed = new byte[(int) I2sRows.bytes(1, cols)];
            byte[] blocks = new byte[packed.length * 4];
            for (int row = piece * PIECE; row < Math.min(rows, (piece + 1) * PIECE); row++) {
                reader.codes(order.applyAsInt(row), codes);
                System.arraycopy(codes, 0, blocks, 0, cols);
                pack(blocks, packed);
                MemorySegment.copy(packed, 0, i2s, ValueLayout.JAVA_BYTE, (long) row * packed.length, packed.length);
            }
        });
        weights.tensor().data().unload();
    }

    /** A block of 128 codes is 32 bytes, code j of each quarter in byte j, the first quarter in the top two bits. */
    private static void pack(byte[] codes, byte[] packed) {
        for (int block = 0; block < codes.length; block += BLOCK) {
            for (int j = 0; j < BLOCK / 4; j++) {
                packed[block / 4 + j] = (byte) (codes[block + j] << 6 | codes[block + 32 + j] << 4 | codes[block + 64 + j] << 2
                        | codes[block + 96 + j]);
            }
        }
    }
}
