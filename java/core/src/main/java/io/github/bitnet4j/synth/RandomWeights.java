package io.github.bitnet4j.synth;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;

/**
 * Streams of random tensor data. Sixteen random bits select an entry of a table that holds each value as often as it is
 * likely, so a 64-bit random number gives four bytes of ternary weights or four F16 numbers.
 *
 * <p>The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
 */
final class RandomWeights {
    private static final int ENTRIES = 1 << 16;
    private static final int BUFFER_BYTES = 1 << 18;
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private final byte[] ternary;
    private final float[] normal = normalTable();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final long seed;
    private long streams;

    /**
     * @param zeros fraction of ternary weights that are zero
     * @param seed  each tensor that is asked for gets the next stream of this seed
     */
    RandomWeights(double zeros, long seed) {
        this.ternary = ternaryTable(zeros);
        this.seed = seed;
    }

    /** Changes bytes of a tensor before they are written: {@code count} in the buffer, from {@code offset} of the tensor on. */
    interface Edit {
        Edit NONE = (buffer, offset, count) -> {};

        void apply(ByteBuffer buffer, long offset, int count);
    }

    /** An I2_S tensor: random codes, then the scale and 28 zero bytes. */
    TensorData i2s(long weights, float scale, Edit edit) {
        long stream = nextStream();
        return out -> {
            fill(out, weights / 4, stream, Integer.BYTES, edit, r -> Byte.toUnsignedLong(ternary[(int) r & 0xFFFF])
                    | Byte.toUnsignedLong(ternary[(int) (r >>> 16) & 0xFFFF]) << 8
                    | Byte.toUnsignedLong(ternary[(int) (r >>> 32) & 0xFFFF]) << 16
                    | Byte.toUnsignedLong(ternary[(int) (r >>> 48)]) << 24);
            ByteBuffer tail = ByteBuffer.allocate(GgmlType.SCALE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            out.write(tail.putFloat(0, scale));
        };
    }

    /** An F16 tensor of normally distributed numbers with mean 0. */
    TensorData f16(long elements, double deviation, Edit edit) {
        long stream = nextStream();
        return out -> {
            short[] table = new short[ENTRIES];
            for (int i = 0; i < ENTRIES; i++) {
                table[i] = Float.floatToFloat16((float) (normal[i] * deviation));
            }
            fill(out, elements * Short.BYTES, stream, Long.BYTES, edit, r -> Short.toUnsignedLong(table[(int) r & 0xFFFF])
                    | Short.toUnsignedLong(table[(int) (r >>> 16) & 0xFFFF]) << 16
                    | Short.toUnsignedLong(table[(int) (r >>> 32) & 0xFFFF]) << 32
                    | (long) table[(int) (r >>> 48)] << 48);
        };
    }

    /** An F32 or F16 vector of normally distributed numbers: the gains of a norm. */
    TensorData vector(GgmlType type, int elements, double mean, double deviation, Edit edit) {
        long stream = nextStream();
        return out -> {
            boolean half = type == GgmlType.F16;
            ByteBuffer values = ByteBuffer.allocate(elements * (half ? Short.BYTES : Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < elements; i++) {
                float value = (float) (mean + deviation * normal[(int) (mix(stream + (i + 1) * GOLDEN_GAMMA) >>> 48)]);
                if (half) {
                    values.putShort(Float.floatToFloat16(value));
                } else {
                    values.putFloat(value);
                }
            }
            edit.apply(values, 0, values.capacity());
            out.write(values.flip());
        };
    }

    /** A number near {@code mean}, uniform within a tenth of it, with the eight significant bits of a bf16. */
    float scale(double mean) {
        double uniform = (mix(nextStream()) >>> 11) * 0x1p-53;
        return Float.intBitsToFloat(Float.floatToIntBits((float) (mean * (0.9 + 0.2 * uniform))) & 0xFFFF0000);
    }

    private long nextStream() {
        return mix(seed + ++streams * GOLDEN_GAMMA);
    }

    private interface Packer {
        long pack(long random);
    }

    private void fill(WritableByteChannel out, long bytes, long stream, int step, Edit edit, Packer packer)
            throws IOException {
        long state = stream;
        for (long left = bytes; left > 0; left -= buffer.capacity()) {
            int count = (int) Math.min(buffer.capacity(), left);
            buffer.clear();
            for (int at = 0; at < count; at += step) {
                state += GOLDEN_GAMMA;
                long packed = packer.pack(mix(state));
                if (step == Integer.BYTES) {
                    buffer.putInt(at, (int) packed);
                } else {
                    buffer.putLong(at, packed);
                }
            }
            edit.apply(buffer, bytes - left, count);
            out.write(buffer.limit(count));
        }
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    /** All bytes of four codes 0, 1, 2 (for -1, 0, +1), each in proportion to its probability. */
    private static byte[] ternaryTable(double zeros) {
        double[] probability = {(1 - zeros) / 2, zeros, (1 - zeros) / 2};
        byte[] table = new byte[ENTRIES];
        double cumulative = 0;
        int filled = 0;
        for (int combination = 0; combination < 81; combination++) {
            int packed = 0;
            double p = 1;
            for (int i = 0, rest = combination; i < 4; i++, rest /= 3) {
                packed |= rest % 3 << 2 * i;
                p *= probability[rest % 3];
            }
            cumulative += p;
            int end = (int) Math.round(cumulative * ENTRIES);
            Arrays.fill(table, filled, end, (byte) packed);
            filled = end;
        }
        return table;
    }

    /**
     * The quantiles (i + 1/2) / 65536 of the standard normal distribution, by integrating dz/dp = 1 / density(z) from the
     * median with the midpoint rule; the outermost is 4.2.
     */
    private static float[] normalTable() {
        float[] table = new float[ENTRIES];
        double z = 0;
        double step = 0.5 / ENTRIES;
        for (int i = ENTRIES / 2; i < ENTRIES; i++) {
            z += step / density(z + step / 2 / density(z));
            step = 1.0 / ENTRIES;
            table[i] = (float) z;
            table[ENTRIES - 1 - i] = (float) -z;
        }
        return table;
    }

    static double density(double z) {
        return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
    }
}
