package io.github.bitnet4j.gguf;

import io.github.bitnet4j.BitNetException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The rows of an I2_S tensor. A file lays blocks of 128 weights over the whole tensor, so that rows which are no multiple
 * of 128 begin within a block; kernels take rows that have blocks of their own, the last one filled up with codes 0.
 * <pre>
 *   in a file, rows of 192   | block 0 | block 1 | block 2 |         in memory   | block 0 | block 1, half of it 0 |   row 0
 *                            |  row 0       |  row 1       |                     | block 2 | block 3, half of it 0 |   row 1
 * </pre>
 * A block is four quarters of 32 weights, one in each field of two bits of its 32 bytes, the first in the highest. Rows of
 * whole quarters move quarter by quarter, eight weights at a time; every published model has such rows.
 */
public final class I2sRows {
    private static final int BLOCK = 128;
    private static final int BLOCK_BYTES = 32;
    private static final int QUARTER = 32;
    private static final int QUARTERS = BLOCK / QUARTER;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long FIELD = 0x0303030303030303L;

    private I2sRows() {}

    /** Whether rows of this width have blocks of their own in a file too, and nothing has to be moved. */
    public static boolean inPlace(long cols) {
        return cols % BLOCK == 0;
    }

    /** Whether a file can hold such a tensor, of whole blocks, and its rows can be moved. */
    public static boolean fits(long rows, long cols) {
        return rows > 0 && cols > 0 && cols % QUARTER == 0 && Math.multiplyExact(rows, cols) % BLOCK == 0;
    }

    /** Bytes of the weights in memory. */
    public static long bytes(long rows, long cols) {
        return Math.multiplyExact(rows, blocks(cols) * BLOCK_BYTES);
    }

    /**
     * Gives rows blocks of their own.
     *
     * @param file   weights as a file holds them
     * @param memory {@link #bytes} zero bytes
     */
    public static void spread(MemorySegment file, long rows, long cols, MemorySegment memory) {
        require(rows, cols);
        if (inPlace(cols)) {
            MemorySegment.copy(file, 0, memory, 0, bytes(rows, cols));
            return;
        }
        for (long row = 0; row < rows; row++) {
            move(file, row * cols / QUARTER, memory, row * blocks(cols) * QUARTERS, cols / QUARTER);
        }
    }

    /**
     * The way back.
     *
     * @param memory rows with blocks of their own
     * @param file   {@code rows * cols / 4} zero bytes
     */
    public static void join(MemorySegment memory, long rows, long cols, MemorySegment file) {
        require(rows, cols);
        for (long row = 0; row < rows; row++) {
            move(memory, row * blocks(cols) * QUARTERS, file, row * cols / QUARTER, cols / QUARTER);
        }
    }

    private static void require(long rows, long cols) {
        if (!fits(rows, cols)) {
            throw new BitNetException("an I2_S matrix of " + rows + " rows of " + cols + " weights: rows must be a multiple of "
                    + QUARTER + " weights, and all together one of " + BLOCK);
        }
    }

    private static long blocks(long cols) {
        return Math.ceilDiv(cols, BLOCK);
    }

    /** {@code count} quarters, from quarter {@code source} to quarter {@code target}, whose bits are 0. */
    private static void move(MemorySegment from, long source, MemorySegment to, long target, long count) {
        for (long i = 0; i < count; i++) {
            long read = (source + i) / QUARTERS * BLOCK_BYTES;
            long write = (target + i) / QUARTERS * BLOCK_BYTES;
            int right = shift(source + i);
            int left = shift(target + i);
            for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                long codes = from.get(LONG, read + at) >>> right & FIELD;
                to.set(LONG, write + at, to.get(LONG, write + at) | codes << left);
            }
        }
    }

    private static int shift(long quarter) {
        return 2 * (QUARTERS - 1 - (int) (quarter % QUARTERS));
    }
}
