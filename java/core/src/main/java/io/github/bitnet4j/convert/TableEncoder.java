package io.github.bitnet4j.convert;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Rows of a table of embeddings or of a head in the types of ggml. Scales are rounded to the f16 that is stored before weights
 * are divided by them.
 */
public enum TableEncoder {
    /** The nearest half. */
    F16(GgmlType.F16) {
        @Override
        void block(float[] x, ByteBuffer out) {
            if (!Float.isFinite(putHalf(x[0], out))) {
                throw new BitNetException("holds " + x[0] + ", which has no place in F16");
            }
        }
    },
    /** An f16 scale d and 32 int8 q: d q. */
    Q8_0(GgmlType.Q8_0) {
        @Override
        void block(float[] x, ByteBuffer out) {
            float d = putHalf(Math.abs(largest(x, 0, x.length)) / 127, out);
            for (float value : x) {
                out.put((byte) code(value, d, -127, 127));
            }
        }
    },
    /** An f16 scale d and 32 codes of four bits, 16 low ones, then 16 high ones: d (q - 8). The largest weight gets q = 0. */
    Q4_0(GgmlType.Q4_0) {
        @Override
        void block(float[] x, ByteBuffer out) {
            float d = putHalf(largest(x, 0, x.length) / -8, out);
            for (int i = 0; i < 16; i++) {
                out.put((byte) (code(x[i], d, -8, 7) + 8 | code(x[16 + i], d, -8, 7) + 8 << 4));
            }
        }
    },
    /** Sixteen int8 scales s of 16 weights, and an f16 scale d of those: d s (q - 32); drawn in {@code ops/lanes/matmul.c}. */
    Q6_K(GgmlType.Q6_K) {
        @Override
        void block(float[] x, ByteBuffer out) {
            float[] best = new float[16];
            for (int i = 0; i < best.length; i++) {
                best[i] = bestScale(x, 16 * i);
            }
            ByteBuffer half = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            float d = putHalf(largest(best, 0, best.length) / -128, half);
            byte[] scales = new byte[best.length];
            byte[] codes = new byte[x.length];
            for (int i = 0; i < x.length; i++) {
                scales[i / 16] = (byte) code(best[i / 16], d, -128, 127);
                codes[i] = (byte) (code(x[i], d * scales[i / 16], -32, 31) + 32);
            }
            for (int i = 0; i < 128; i++) {
                int first = i / 64 * 128 + i % 64;
                out.put((byte) (codes[first] & 15 | (codes[first + 64] & 15) << 4));
            }
            for (int i = 0; i < 64; i++) {
                int first = i / 32 * 128 + i % 32;
                out.put((byte) (codes[first] >> 4 | codes[first + 32] >> 4 << 2 | codes[first + 64] >> 4 << 4
                        | codes[first + 96] >> 4 << 6));
            }
            out.put(scales).put(half.flip());
        }
    };

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Rows that are one piece of a thread's work. */
    private static final int PIECE = 64;

    private final GgmlType type;

    TableEncoder(GgmlType type) {
        this.type = type;
    }

    /** The one for a type; throws a {@link BitNetException} if there is none. */
    public static TableEncoder of(GgmlType type) {
        return List.of(values()).stream().filter(encoder -> encoder.type == type).findFirst()
                .orElseThrow(() -> new BitNetException("a table cannot be written as " + type + "; choose one of " + List.of(values())));
    }

    /** Appends one block. */
    abstract void block(float[] x, ByteBuffer out);

    /** Refuses a table of a type that cannot be encoded, or of rows that are not whole blocks. */
    public void requireFit(String name, GgmlType from, long cols) {
        if (from != GgmlType.F16 && from != GgmlType.F32 && from != GgmlType.BF16) {
            throw new BitNetException("the table " + name + " is quantised already, as " + from + "; quantise the F16 original");
        }
        if (cols % type.blockSize() != 0) {
            throw new BitNetException("the table " + name + " has rows of " + cols + " weights; " + type + " takes multiples of "
                    + type.blockSize());
        }
    }

    /**
     * Rows of a matrix, on all processors.
     *
     * @param from F32, F16 or BF16
     * @param data whole rows
     * @param to   the rows in this type
     * @throws BitNetException if a weight is no number, or has no place: a clause that begins with a verb
     */
    public void encode(GgmlType from, MemorySegment data, long cols, MemorySegment to) {
        long rows = data.byteSize() / from.byteSize(cols);
        LongStream.range(0, Math.ceilDiv(rows, PIECE)).parallel().forEach(piece -> {
            float[] row = new float[(int) cols];
            ByteBuffer encoded = ByteBuffer.allocate((int) type.byteSize(cols)).order(ByteOrder.LITTLE_ENDIAN);
            for (long r = piece * PIECE; r < Math.min(rows, (piece + 1) * PIECE); r++) {
                read(from, data, r * cols, row);
                encode(row, encoded.clear());
                MemorySegment.copy(encoded.array(), 0, to, ValueLayout.JAVA_BYTE, r * encoded.capacity(), encoded.capacity());
            }
        });
    }

    private void encode(float[] row, ByteBuffer out) {
        float[] x = new float[type.blockSize()];
        for (int at = 0; at < row.length; at += x.length) {
            System.arraycopy(row, at, x, 0, x.length);
            for (float value : x) {
                if (!Float.isFinite(value)) {
                    throw new BitNetException("holds " + value + "; the file is damaged");
                }
            }
            block(x, out);
        }
    }

    private static void read(GgmlType from, MemorySegment data, long at, float[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (from) {
                case F32 -> data.get(FLOAT, (at + i) * Float.BYTES);
                case F16 -> Float.float16ToFloat(data.get(SHORT, (at + i) * Short.BYTES));
                default -> Float.intBitsToFloat(data.get(SHORT, (at + i) * Short.BYTES) << Short.SIZE);
            };
        }
    }

    /** The value of largest size, with its sign. */
    private static float largest(float[] x, int from, int to) {
        float largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.abs(x[i]) > Math.abs(largest) ? x[i] : largest;
        }
        return largest;
    }

    private static float putHalf(float value, ByteBuffer out) {
        short half = Float.floatToFloat16(value);
        out.putShort(half);
        return Float.float16ToFloat(half);
    }

    private static int code(float x, float step, int least, int most) {
        return step == 0 ? 0 : Math.clamp((int) Math.rint(x / step), least, most);
    }

    /**
     * The step for 16 weights and codes -32 .. 31 whose squared error is least, among those that give the largest weight a code
     * around -32, each after its codes are chosen by least squares.
     */
    private static float bestScale(float[] x, int from) {
        float largest = largest(x, from, from + 16);
        float best = 0;
        double gain = 0;
        for (int i = -4; i <= 4 && largest != 0; i++) {
            float inverse = -(32 + 0.2f * i) / largest;
            double dot = 0;
            double squares = 0;
            for (int j = from; j < from + 16; j++) {
                int code = Math.clamp((int) Math.rint(x[j] * inverse), -32, 31);
                dot += x[j] * code;
                squares += code * code;
            }
            if (dot * dot > gain * squares) { // the error is sum x^2 - dot^2 / squares
                gain = dot * dot / squares;
                best = (float) (dot / squares);
            }
        }
        return best;
    }
}
