package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.RandomAccess;

/**
 * An array in the metadata, seen through the map: nothing of it is on the heap but, for strings and nested arrays, the
 * offset of every 64th element.
 *
 * <p>Immutable and usable from any thread, as long as the {@link GgufFile} is open.
 */
public final class GgufArray implements GgufValue {
    /** Longest array; the largest vocabularies have 262,144 tokens and 514,906 merges. */
    private static final long MAX_LENGTH = 1L << 24;
    private static final int MAX_DEPTH = 8;
    private static final int INDEX_STEP = 64;

    private final String key;
    private final MemorySegment file;
    private final GgufType elementType;
    private final int length;
    /** Where the first element starts in the file. */
    private final long offset;
    /** Where elements 0, 64, 128, ... start in the file; empty if all elements have the same size. */
    private final long[] index;
    private final int depth;

    private GgufArray(String key, MemorySegment file, GgufType elementType, int length, long offset, long[] index,
            int depth) {
        this.key = key;
        this.file = file;
        this.elementType = elementType;
        this.length = length;
        this.offset = offset;
        this.index = index;
        this.depth = depth;
    }

    /** Reads the array at the cursor and leaves the cursor behind it, every element checked. */
    static GgufArray read(Cursor in, String key, int depth) {
        String field = "array " + GgufException.quote(key);
        long at = in.position();
        if (depth == MAX_DEPTH) {
            throw new GgufException(field, at, "arrays are nested more than " + MAX_DEPTH + " deep");
        }
        GgufType elementType = GgufType.of(in.u32(field), field, at);
        long lengthAt = in.position();
        long length = in.u64(field);
        long smallest = switch (elementType) {
            case STRING -> Long.BYTES;
            case ARRAY -> Integer.BYTES + Long.BYTES;
            default -> elementType.bytes();
        };
        if (length < 0 || length > in.remaining() / smallest) {
            throw new GgufException(field, lengthAt, Long.toUnsignedString(length) + " elements of type " + elementType
                    + " cannot fit in the " + in.remaining() + " bytes that are left; the file is truncated or corrupt");
        }
        if (length > MAX_LENGTH) {
            throw new GgufException(field, lengthAt, length + " elements are more than the limit of " + MAX_LENGTH);
        }
        long offset = in.position();
        long[] index = switch (elementType) {
            case STRING, ARRAY -> scan(in, field, key, elementType, (int) length, lengthAt, depth);
            case BOOL -> {
                in.spend(length, field, lengthAt);
                for (long i = 0; i < length; i++) {
                    in.bool(field);
                }
                yield new long[0];
            }
            default -> {
                in.skip(length * elementType.bytes());
                yield new long[0];
            }
        };
        return new GgufArray(key, in.file, elementType, (int) length, offset, index, depth);
    }

    private static long[] scan(Cursor in, String field, String key, GgufType elementType, int length, long at, int depth) {
        in.spend(length, field, at);
        long[] index = new long[(length + INDEX_STEP - 1) / INDEX_STEP];
        for (int i = 0; i < index.length; i++) {
            index[i] = in.position();
            skip(in, field, key, elementType, Math.min(INDEX_STEP, length - i * INDEX_STEP), depth);
        }
        return index;
    }

    private static void skip(Cursor in, String field, String key, GgufType elementType, int count, int depth) {
        for (int i = 0; i < count; i++) {
            if (elementType == GgufType.STRING) {
                in.skipString(field);
            } else {
                read(in, key, depth + 1);
            }
        }
    }

    @Override
    public GgufType type() {
        return GgufType.ARRAY;
    }

    /** The type of all elements. */
    public GgufType elementType() {
        return elementType;
    }

    /** The number of elements. */
    public int length() {
        return length;
    }

    /**
     * Element {@code i} as a value, whatever its type. O(1), or a walk over at most 63 neighbours for strings and arrays.
     *
     * @throws IndexOutOfBoundsException if {@code i} is not 0 to {@link #length()} - 1
     */
    public GgufValue get(int i) {
        Cursor in = at(i);
        return value(in, key, elementType, depth + 1);
    }

    /** Reads one value of a type that is already known. */
    static GgufValue value(Cursor in, String key, GgufType type, int depth) {
        if (type == GgufType.ARRAY) {
            return read(in, key, depth);
        }
        String field = "value of " + GgufException.quote(key);
        return switch (type) {
            case U8 -> new Int(type, in.u8(field));
            case I8 -> new Int(type, (byte) in.u8(field));
            case U16 -> new Int(type, in.u16(field));
            case I16 -> new Int(type, (short) in.u16(field));
            case U32 -> new Int(type, in.u32(field));
            case I32 -> new Int(type, (int) in.u32(field));
            case U64, I64 -> new Int(type, in.u64(field));
            case F32 -> new Real(type, Float.intBitsToFloat((int) in.u32(field)));
            case F64 -> new Real(type, Double.longBitsToDouble(in.u64(field)));
            case BOOL -> new Bool(in.bool(field));
            case STRING -> new Text(in.text(field));
            case ARRAY -> throw new AssertionError("handled above");
        };
    }

    /**
     * The strings of a {@link GgufType#STRING} array: an unmodifiable random-access list that decodes on each access and
     * keeps nothing. Iterating is one pass; copy it if you need the strings more than once.
     *
     * @throws GgufException if the elements are not strings
     */
    public List<String> strings() {
        require(elementType == GgufType.STRING, "strings");
        return new Strings();
    }

    /**
     * The elements of an array of any integer type, copied.
     *
     * @throws GgufException if the elements are not integers, or one does not fit in 32 bits with sign
     */
    public int[] ints() {
        require(elementType.isInteger(), "integers");
        if (elementType == GgufType.I32) {
            return file.asSlice(offset, (long) length * Integer.BYTES).toArray(Cursor.U32);
        }
        int[] values = new int[length];
        Cursor in = new Cursor(file, offset);
        for (int i = 0; i < length; i++) {
            long at = in.position();
            long value = ((Int) value(in, key, elementType, depth)).value();
            if (value != (int) value) {
                throw new GgufException("element " + i + " of " + GgufException.quote(key), at,
                        new Int(elementType, value) + " does not fit in a 32-bit integer");
            }
            values[i] = (int) value;
        }
        return values;
    }

    /**
     * The elements of an F32 or F64 array, copied; F64 is rounded.
     *
     * @throws GgufException if the elements are not floating point numbers
     */
    public float[] floats() {
        require(elementType.isReal(), "floating point numbers");
        MemorySegment elements = file.asSlice(offset, (long) length * elementType.bytes());
        if (elementType == GgufType.F32) {
            return elements.toArray(Cursor.F32);
        }
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) elements.get(Cursor.F64, (long) i * Double.BYTES);
        }
        return values;
    }

    private void require(boolean condition, String wanted) {
        if (!condition) {
            throw new GgufException("array " + GgufException.quote(key), offset,
                    "its elements have type " + elementType + ", where " + wanted + " are needed");
        }
    }

    /** A cursor at element {@code i}. */
    private Cursor at(int i) {
        if (i < 0 || i >= length) {
            throw new IndexOutOfBoundsException("element " + i + " of " + length);
        }
        if (index.length == 0) {
            return new Cursor(file, offset + (long) i * elementType.bytes());
        }
        Cursor in = new Cursor(file, index[i / INDEX_STEP]);
        skip(in, key, key, elementType, i % INDEX_STEP, depth);
        return in;
    }

    /** Equal if the types, lengths and elements are. */
    @Override
    public boolean equals(Object other) {
        if (!(other instanceof GgufArray array) || elementType != array.elementType || length != array.length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (!get(i).equals(array.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return 31 * elementType.hashCode() + length;
    }

    /** Such as {@code STRING[128256]}. */
    @Override
    public String toString() {
        return elementType + "[" + length + "]";
    }

    private final class Strings extends AbstractList<String> implements RandomAccess {
        @Override
        public String get(int i) {
            return GgufValue.Text.decode(at(i).text(key));
        }

        @Override
        public int size() {
            return length;
        }

        @Override
        public Iterator<String> iterator() {
            return new Iterator<>() {
                private final Cursor in = new Cursor(file, offset);
                private int next;

                @Override
                public boolean hasNext() {
                    return next < length;
                }

                @Override
                public String next() {
                    if (next == length) {
                        throw new NoSuchElementException();
                    }
                    next++;
                    return GgufValue.Text.decode(in.text(key));
                }
            };
        }
    }
}
