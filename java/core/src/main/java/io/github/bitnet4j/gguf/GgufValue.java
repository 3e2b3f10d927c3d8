package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** A metadata value. A {@code switch} over the five kinds is complete. */
public sealed interface GgufValue permits GgufValue.Int, GgufValue.Real, GgufValue.Bool, GgufValue.Text, GgufArray {

    /** The type the file gives this value. */
    GgufType type();

    /**
     * A whole number of any width.
     *
     * @param type  one of the eight integer types
     * @param value the value; a {@link GgufType#U64} above 2<sup>63</sup> - 1 appears as its bits, a negative number
     */
    record Int(GgufType type, long value) implements GgufValue {
        public Int {
            boolean fits = switch (type) {
                case U8 -> value >>> 8 == 0;
                case I8 -> value == (byte) value;
                case U16 -> value >>> 16 == 0;
                case I16 -> value == (short) value;
                case U32 -> value >>> 32 == 0;
                case I32 -> value == (int) value;
                case U64, I64 -> true;
                case F32, F64, BOOL, STRING, ARRAY -> false;
            };
            if (!fits) {
                throw new IllegalArgumentException(value + " is not a value of type " + type);
            }
        }

        @Override
        public String toString() {
            return type == GgufType.U64 ? Long.toUnsignedString(value) : Long.toString(value);
        }
    }

    /**
     * A floating point number.
     *
     * @param type  {@link GgufType#F32} or {@link GgufType#F64}
     * @param value the value, exactly
     */
    record Real(GgufType type, double value) implements GgufValue {
        public Real {
            if (!type.isReal()) {
                throw new IllegalArgumentException(type + " is not a floating point type");
            }
        }

        @Override
        public String toString() {
            return type == GgufType.F32 ? Float.toString((float) value) : Double.toString(value);
        }
    }

    /** A truth value; stored as one byte that is 0 or 1. */
    record Bool(boolean value) implements GgufValue {
        @Override
        public GgufType type() {
            return GgufType.BOOL;
        }

        @Override
        public String toString() {
            return Boolean.toString(value);
        }
    }

    /** A string, which stays in the file until it is asked for. */
    final class Text implements GgufValue {
        private final MemorySegment utf8;

        Text(MemorySegment utf8) {
            this.utf8 = utf8;
        }

        @Override
        public GgufType type() {
            return GgufType.STRING;
        }

        /** The string, decoded anew on each call; what is not UTF-8 becomes U+FFFD. */
        public String value() {
            return decode(utf8);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Text text && utf8.mismatch(text.utf8) == -1;
        }

        @Override
        public int hashCode() {
            return value().hashCode();
        }

        @Override
        public String toString() {
            return value();
        }

        static String decode(MemorySegment utf8) {
            return new String(utf8.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

}
