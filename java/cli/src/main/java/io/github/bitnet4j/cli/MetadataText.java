package io.github.bitnet4j.cli;

import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufValue;
import java.util.Locale;

/** Metadata values in a line of a table: long ones are cut, control characters are made visible. */
final class MetadataText {
    private static final int TEXT_LIMIT = 72;
    private static final int ARRAY_LIMIT = 6;
    private static final int ELEMENT_LIMIT = 12;

    private MetadataText() {}

    static String type(GgufValue value) {
        String type = value instanceof GgufArray array ? array.elementType() + "[" + array.length() + "]" : value.type().toString();
        return type.toLowerCase(Locale.ROOT);
    }

    static String abbreviate(GgufValue value) {
        return abbreviate(value, TEXT_LIMIT);
    }

    private static String abbreviate(GgufValue value, int limit) {
        return switch (value) {
            case GgufValue.Text text -> cut(text.value(), limit);
            case GgufArray array -> abbreviate(array);
            default -> value.toString();
        };
    }

    private static String abbreviate(GgufArray array) {
        StringBuilder line = new StringBuilder("[");
        for (int i = 0; i < Math.min(array.length(), ARRAY_LIMIT); i++) {
            line.append(i == 0 ? "" : ", ").append(abbreviate(array.get(i), ELEMENT_LIMIT));
        }
        return line.append(array.length() > ARRAY_LIMIT ? ", ...]" : "]").toString();
    }

    private static String cut(String text, int limit) {
        int length = text.codePointCount(0, text.length());
        return length <= limit ? escape(text) : escape(text.substring(0, text.offsetByCodePoints(0, limit))) + "...";
    }

    /** The text on one line: a terminal must not obey what a file says. */
    static String escape(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                case '\t' -> line.append("\\t");
                default -> {
                    if (Character.isISOControl(c)) {
                        line.append(String.format("\\u%04x", c));
                    } else {
                        line.appendCodePoint(c);
                    }
                }
            }
        });
        return line.toString();
    }
}
