package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads a header front to back. Every read is checked against the end of the file first, and the numbers of elements and
 * of name bytes that one header may hold are limited, so that work and memory are bounded whatever the file says.
 */
final class Cursor {
    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Longest string value; the largest seen is a whole tokenizer.json of 33 MB. */
    static final long MAX_STRING_BYTES = 1L << 26;
    /** Longest key or tensor name: the limit of the specification. */
    static final long MAX_NAME_BYTES = 65535;
    /** Bytes of all keys and tensor names together, which are kept on the heap; real files have 0.1 MB. */
    private static final long MAX_ALL_NAMES_BYTES = 1L << 24;
    /** Elements that must be looked at one by one; real files have one million. */
    private static final long MAX_ELEMENTS = 1L << 26;

    final MemorySegment file;
    private final long size;
    private long position;
    private long nameBytes;
    private long elements;

    Cursor(MemorySegment file, long position) {
        this.file = file;
        this.size = file.byteSize();
        this.position = position;
    }

    long position() {
        return position;
    }

    long remaining() {
        return size - position;
    }

    int u8(String field) {
        need(1, field);
        return Byte.toUnsignedInt(file.get(ValueLayout.JAVA_BYTE, position++));
    }

    int u16(String field) {
        need(2, field);
        short value = file.get(U16, position);
        position += 2;
        return Short.toUnsignedInt(value);
    }

    long u32(String field) {
        need(4, field);
        int value = file.get(U32, position);
        position += 4;
        return Integer.toUnsignedLong(value);
    }

    /** Eight bytes; a value above 2^63 - 1 comes out negative. */
    long u64(String field) {
        need(8, field);
        long value = file.get(U64, position);
        position += 8;
        return value;
    }

    boolean bool(String field) {
        int value = u8(field);
        if (value > 1) {
            throw new GgufException(field, position - 1, "a bool is 0 or 1, not " + value);
        }
        return value == 1;
    }

    /** A string value, as a slice. */
    MemorySegment text(String field) {
        return slice(field, MAX_STRING_BYTES);
    }

    /** A key or a tensor name. */
    String name(String field) {
        long at = position;
        MemorySegment utf8 = slice(field, MAX_NAME_BYTES);
        nameBytes += utf8.byteSize();
        if (nameBytes > MAX_ALL_NAMES_BYTES) {
            throw new GgufException(field, at, "keys and tensor names exceed " + MAX_ALL_NAMES_BYTES + " bytes in all");
        }
        if (utf8.byteSize() == 0) {
            throw new GgufException(field, at, "the name is empty");
        }
        return GgufValue.Text.decode(utf8);
    }

    private MemorySegment slice(String field, long limit) {
        long at = position;
        long length = u64(field);
        if (length < 0 || length > remaining()) {
            throw new GgufException(field, at, "a string of " + Long.toUnsignedString(length)
                    + " bytes cannot fit in the " + remaining() + " bytes that are left");
        }
        if (length > limit) {
            throw new GgufException(field, at, "a string of " + length + " bytes is longer than the limit of " + limit);
        }
        MemorySegment utf8 = file.asSlice(position, length);
        position += length;
        return utf8;
    }

    /** Steps over {@code bytes}, which the caller has found to be no more than {@link #remaining()}. */
    void skip(long bytes) {
        position += bytes;
    }

    /**
     * Steps over one string of an array. Apart from the checks it only adds two numbers: a vocabulary and its merges are
     * 400,000 of these.
     */
    void skipString(String field) {
        long at = position;
        if (size - at < Long.BYTES) {
            need(Long.BYTES, field);
        }
        long length = file.get(U64, at);
        if (length < 0 || length > size - at - Long.BYTES || length > MAX_STRING_BYTES) {
            slice(field, MAX_STRING_BYTES);
        }
        position = at + Long.BYTES + length;
    }

    /** Counts elements that are about to be looked at one by one. */
    void spend(long count, String field, long at) {
        elements += count;
        if (elements > MAX_ELEMENTS) {
            throw new GgufException(field, at, "the arrays of this file exceed " + MAX_ELEMENTS + " elements in all");
        }
    }

    private void need(int bytes, String field) {
        if (size - position < bytes) {
            throw new GgufException(field, position, bytes + " bytes are needed and " + (size - position)
                    + " are left; the file is truncated");
        }
    }
}
