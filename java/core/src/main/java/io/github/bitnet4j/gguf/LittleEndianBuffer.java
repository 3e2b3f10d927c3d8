package io.github.bitnet4j.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Bytes of a header in the making. */
final class LittleEndianBuffer extends ByteArrayOutputStream {

    /** The low {@code bytes} bytes of a value. */
    LittleEndianBuffer put(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            write((int) (value >>> 8 * i));
        }
        return this;
    }

    LittleEndianBuffer putString(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        put(utf8.length, Long.BYTES);
        writeBytes(utf8);
        return this;
    }

    LittleEndianBuffer putValue(GgufValue value) {
        return switch (value) {
            case GgufValue.Int(GgufType type, long number) -> put(number, type.bytes());
            case GgufValue.Real(GgufType type, double number) when type == GgufType.F32 ->
                put(Float.floatToRawIntBits((float) number), Float.BYTES);
            case GgufValue.Real(GgufType type, double number) -> put(Double.doubleToRawLongBits(number), Double.BYTES);
            case GgufValue.Bool(boolean truth) -> put(truth ? 1 : 0, 1);
            case GgufValue.Text text -> putString(text.value());
            case GgufArray array -> {
                put(array.elementType().id(), Integer.BYTES).put(array.length(), Long.BYTES);
                for (int i = 0; i < array.length(); i++) {
                    putValue(array.get(i));
                }
                yield this;
            }
        };
    }
}
