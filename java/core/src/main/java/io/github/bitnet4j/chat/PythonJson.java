package io.github.bitnet4j.chat;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** {@code json.dumps(value, ensure_ascii=False, indent=...)}: the JSON that models saw in training, with Python's spaces. */
final class PythonJson {

    private static final int MAX_INDENT = 16;

    private final StringBuilder out = new StringBuilder();
    private final int indent;

    private PythonJson(int indent) {
        this.indent = Math.clamp(indent, 0, MAX_INDENT);
    }

    /** @param indent spaces a level, or 0 for one line */
    static String dumps(Object value, int indent) {
        PythonJson json = new PythonJson(indent);
        json.value(value, 1);
        return json.out.toString();
    }

    private void value(Object value, int depth) {
        if (out.length() > Sandbox.MAX_TEXT) {
            throw new ChatTemplateException("it makes more than " + Sandbox.MAX_TEXT + " characters of JSON");
        }
        switch (value) {
            case null -> out.append("null");
            case Number number -> out.append(number);
            case Boolean bool -> out.append(bool);
            case Map<?, ?> map -> {
                out.append('{');
                for (Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator(); entries.hasNext();) {
                    Map.Entry<?, ?> entry = entries.next();
                    line(depth);
                    string(String.valueOf(entry.getKey()));
                    out.append(": ");
                    value(entry.getValue(), depth + 1);
                    comma(entries.hasNext());
                }
                close(map.isEmpty(), depth, '}');
            }
            case List<?> list -> {
                out.append('[');
                for (Iterator<?> items = list.iterator(); items.hasNext();) {
                    line(depth);
                    value(items.next(), depth + 1);
                    comma(items.hasNext());
                }
                close(list.isEmpty(), depth, ']');
            }
            default -> string(value.toString());
        }
    }

    private void line(int depth) {
        if (indent > 0) {
            out.append('\n').append(" ".repeat(indent * depth));
        }
    }

    private void comma(boolean more) {
        if (more) {
            out.append(indent > 0 ? "," : ", ");
        }
    }

    private void close(boolean empty, int depth, char bracket) {
        if (!empty) {
            line(depth - 1);
        }
        out.append(bracket);
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> out.append(c < 0x20 ? String.format("\\u%04x", (int) c) : Character.toString(c));
            }
        }
        out.append('"');
    }
}
