package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Looks into a ternary tensor whose codes lie two bits or five to a byte side by side for what its bytes can never be in an
 * intact file: the code 3 among the weights, a byte that is no five digits, or a scale that is no finite number. It reads all of the tensor, so opening a file
 * does not do it.
 */
public final class TernaryCheck {
    /** The types that it can look into. */
    public static final List<GgmlType> TYPES = List.of(GgmlType.I2_S, GgmlType.I2_R16, GgmlType.I2_C, GgmlType.B3_R16);

    private static final long LOW_BITS = 0x5555_5555_5555_5555L;
    private static final int CHUNK = 1 << 16;
    private static final int MOST_DIGITS = 242;

    private TernaryCheck() {}

    /**
     * Checks a tensor at about the speed of reading it. Changed weights that are still codes 0 to 2 cannot be found.
     *
     * @throws GgufException if the tensor is of none of {@link #TYPES} or its data is corrupt; the offset is that of the first
     *                       bad byte
     */
    public static void verify(GgufTensor tensor) {
        String field = "data of tensor " + GgufException.quote(tensor.name());
        if (!TYPES.contains(tensor.type())) {
            throw new GgufException(field, tensor.offset(), "it has type " + tensor.typeId() + ", where one of " + TYPES
                    + " is expected");
        }
        MemorySegment weights = tensor.data().asSlice(0, tensor.byteSize() - GgmlType.SCALE_BYTES);
        if (tensor.type() == GgmlType.B3_R16) {
            findDigits(weights, field, tensor.offset());
        } else {
            findThrees(weights, field, tensor);
        }
        float scale = tensor.data().get(Cursor.F32, weights.byteSize());
        if (!Float.isFinite(scale)) {
            throw new GgufException("scale of tensor " + GgufException.quote(tensor.name()), tensor.offset() + weights.byteSize(),
                    scale + " is not a finite number; the file is corrupt");
        }
    }

    private static void findThrees(MemorySegment weights, String field, GgufTensor tensor) {
        long wordsEnd = weights.byteSize() - weights.byteSize() % Long.BYTES;
        for (long start = 0; start < wordsEnd; start += CHUNK) {
            long end = Math.min(wordsEnd, start + CHUNK);
            long threes = 0;
            for (long at = start; at < end; at += Long.BYTES) {
                long codes = weights.get(Cursor.U64, at);
                threes |= codes & codes >>> 1;
            }
            if ((threes & LOW_BITS) != 0) {
                findThree(weights, field, tensor, start, end);
            }
        }
        findThree(weights, field, tensor, wordsEnd, weights.byteSize());
    }

    private static void findThree(MemorySegment weights, String field, GgufTensor tensor, long start, long end) {
        for (long at = start; at < end; at++) {
            int codes = weights.get(ValueLayout.JAVA_BYTE, at);
            if ((codes & codes >> 1 & 0x55) != 0) {
                throw new GgufException(field, tensor.offset() + at, "a weight has the code 3, which " + tensor.type()
                        + " does not have; the file is corrupt");
            }
        }
    }

    private static void findDigits(MemorySegment weights, String field, long offset) {
        for (long at = 0; at < weights.byteSize(); at++) {
            int digits = weights.get(ValueLayout.JAVA_BYTE, at) & 0xff;
            if (digits > MOST_DIGITS) {
                throw new GgufException(field, offset + at, "the byte " + digits + " is no five digits of base 3; the file is "
                        + "corrupt");
            }
        }
    }
}
