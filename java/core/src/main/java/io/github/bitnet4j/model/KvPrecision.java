package io.github.bitnet4j.model;

/** How keys and values are kept, and with that the precision of attention. The order is that of {@code bn_kv_type}. */
public enum KvPrecision {
    /** Half the memory, attention in float: logits differ by about one part in a hundred from an exact evaluation. */
    F16(Short.BYTES),
    /** Attention in double: logits equal an exact evaluation, but for quantised values that lie on a half. */
    F32(Float.BYTES);

    private final int bytes;

    KvPrecision(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    int bytes() {
        return bytes;
    }
}
