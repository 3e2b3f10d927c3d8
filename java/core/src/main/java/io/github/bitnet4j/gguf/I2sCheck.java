package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Looks into an I2_S tensor for what its bytes can never be in an intact file: the code 3 among the weights, or a scale
 * that is not a finite number. It reads all of the tensor, so opening a file does not do it.
 */
public final class I2sCheck {
    private static final long LOW_BITS = 0x5555_5555_5555_5555L;

    private I2sCheck() {}

    /**
     * Checks a tensor at about the speed of reading it. Changed weights that are still codes 0 to 2 cannot be found.
     *
     * @throws GgufException if the tensor is not I2_S or its data is corrupt; the offset is that of the first bad byte
     */
    public static void verify(GgufTensor tensor) {
        String field = "data of tensor " + GgufException.quote(tensor.name());
        if (tensor.type() != GgmlType.I2_S) {
            throw new GgufException(field, tensor.offset(), "it has type " + tensor.typeId() + ", where I2_S is expected");
        }
        MemorySegment data = tensor.data();
        long weightBytes = tensor.elements() / 4;
        long wordsEnd = weightBytes - weightBytes % Long.BYTES;
        for (long start = 0; start < wordsEnd; start += 1 << 16) {
            long end = Math.min(wordsEnd, start + (1 << 16));
            long threes = 0;
            for (long at = start; at < end; at += Long.BYTES) {
                long codes = data.get(Cursor.U64, at);
                threes |= codes & codes >>> 1;
            }
            if ((threes & LOW_BITS) != 0) {
                findThree(data, field, tensor.offset(), start, end);
            }
        }
        findThree(data, field, tensor.offset(), wordsEnd, weightBytes);
        float scale = data.get(Cursor.F32, weightBytes);
        if (!Float.isFinite(scale)) {
            throw new GgufException("scale of tensor " + GgufException.quote(tensor.name()), tensor.offset() + weightBytes,
                    scale + " is not a finite number; the file is corrupt");
        }
    }

    private static void findThree(MemorySegment data, String field, long offset, long start, long end) {
        for (long at = start; at < end; at++) {
            int codes = data.get(ValueLayout.JAVA_BYTE, at);
            if ((codes & codes >> 1 & 0x55) != 0) {
                throw new GgufException(field, offset + at, "a weight has the code 3, which I2_S does not have; "
                        + "the file is corrupt");
            }
        }
    }
}
