package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * A tensor of a checkpoint.
 *
 * @param shape the slowest-varying size first: {@code [rows, cols]}
 * @param data  a view of the mapped file, little-endian
 */
record CheckpointTensor(String name, Type type, long[] shape, MemorySegment data) {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Element types, by the names that safetensors gives them. */
    enum Type {
        F64(8), F32(4), F16(2), BF16(2), I64(8), I32(4), I16(2), I8(1), U8(1), BOOL(1);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        int bytes() {
            return bytes;
        }

        /** Whether {@link CheckpointTensor#reals} can read it. */
        boolean isReal() {
            return this == F32 || this == F16 || this == BF16;
        }

        static Optional<Type> named(String name) {
            return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
        }
    }

    /** Its type as a GGUF file names it; F32, F16 or BF16. */
    GgmlType ggmlType() {
        return GgmlType.valueOf(type.name());
    }

    long elements() {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /** Elements {@code from}, {@code from + 1}, ... of a tensor of floats, as many as {@code to} has room for. */
    void reals(long from, float[] to) {
        long at = from * type.bytes();
        switch (type) {
            case F32 -> MemorySegment.copy(data, FLOAT, at, to, 0, to.length);
            case F16 -> {
                for (int i = 0; i < to.length; i++) {
                    to[i] = Float.float16ToFloat(data.get(SHORT, at + (long) i * Short.BYTES));
                }
            }
            case BF16 -> {
                for (int i = 0; i < to.length; i++) {
                    to[i] = Float.intBitsToFloat(data.get(SHORT, at + (long) i * Short.BYTES) << Short.SIZE);
                }
            }
            default -> throw new IllegalStateException(name + " has type " + type);
        }
    }

    /** Element 0 of a tensor of floats. */
    float real() {
        float[] value = new float[1];
        reals(0, value);
        return value[0];
    }
}
