package io.github.bitnet4j.model;

/** How keys and values are kept, and with that the precision of attention. The order is that of {@code bn_kv_type}. */
public enum KvPrecision {
    /** Half the memory, attention in float: logits differ by about one part in a hundred from an exact evaluation. */
    F16(Short.BYTES, 0),
    /** Attention in double: logits equal an exact evaluation, but for quantised values that lie on a half. */
    F32(Float.BYTES, 0),
    /** A quarter of the memory, for long texts: 8 bits with one step for each position and head. */
    INT8(Byte.BYTES, Float.BYTES);

    private final int element;
    private final int step;

    KvPrecision(int element, int step) {
        this.element = element;
        this.step = step;
    }

    /** Bytes of a key or of a value of {@code headDim} elements. */
    int bytes(int headDim) {
        return element * headDim + step;
    }
}
