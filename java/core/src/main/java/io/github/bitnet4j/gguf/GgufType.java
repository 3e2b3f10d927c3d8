package io.github.bitnet4j.gguf;

/**
 * The types of metadata values, in the order of their ids (0 to 12). Everything is little-endian.
 * Source: the GGUF specification, {@code enum gguf_metadata_value_type}.
 */
public enum GgufType {
    U8(1),
    I8(1),
    U16(2),
    I16(2),
    U32(4),
    I32(4),
    F32(4),
    BOOL(1),
    STRING(0),
    ARRAY(0),
    U64(8),
    I64(8),
    F64(8);

    private static final GgufType[] BY_ID = values();

    private final int bytes;

    GgufType(int bytes) {
        this.bytes = bytes;
    }

    /** The id in the file. */
    public int id() {
        return ordinal();
    }

    /** Bytes a value takes; 0 where that differs from value to value (strings and arrays). */
    public int bytes() {
        return bytes;
    }

    /** Whether values are whole numbers. */
    public boolean isInteger() {
        return switch (this) {
            case U8, I8, U16, I16, U32, I32, U64, I64 -> true;
            case F32, BOOL, STRING, ARRAY, F64 -> false;
        };
    }

    /** Whether values are floating point numbers. */
    public boolean isReal() {
        return this == F32 || this == F64;
    }

    static GgufType of(long id, String field, long offset) {
        if (id < 0 || id >= BY_ID.length) {
            throw new GgufException(field, offset, "value type " + id + " is not one of 0 to " + (BY_ID.length - 1));
        }
        return BY_ID[(int) id];
    }
}
