package io.github.bitnet4j.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Methods of Python's {@code str} that templates call, with Python's meaning of them. */
final class PythonStrings {

    private static final String KNOWN = "strip, lstrip, rstrip, split, rsplit, startswith, endswith, replace, upper, lower, title, capitalize, "
            + "find, count, join, removeprefix, removesuffix";

    private PythonStrings() {}

    /** @return the result of {@code text.method(arguments)} */
    static Object call(String text, String method, Object[] arguments) {
        return switch (method) {
            case "strip" -> strip(text, strippable(arguments), true, true);
            case "lstrip" -> strip(text, strippable(arguments), true, false);
            case "rstrip" -> strip(text, strippable(arguments), false, true);
            case "split" -> split(text, arguments);
            case "rsplit" -> rsplit(text, arguments);
            case "startswith" -> anyOf(arguments).stream().anyMatch(text::startsWith);
            case "endswith" -> anyOf(arguments).stream().anyMatch(text::endsWith);
            case "replace" -> replace(text, string(method, arguments, 0), string(method, arguments, 1));
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "title" -> Pattern.compile("\\p{L}+").matcher(text).replaceAll(word -> capitalize(word.group()));
            case "capitalize" -> capitalize(text);
            case "find" -> text.indexOf(string(method, arguments, 0));
            case "count" -> count(text, string(method, arguments, 0));
            case "join" -> join(text, arguments);
            case "removeprefix" -> {
                String prefix = string(method, arguments, 0);
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = string(method, arguments, 0);
                yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            }
            default -> throw new ChatTemplateException(
                    "it calls the string method '" + method + "', which is not known here; known: " + KNOWN);
        };
    }

    /** @return the text of a scalar; lists and dictionaries have none here: it may be of any length */
    static String text(Object value) {
        if (value instanceof Iterable<?> || value instanceof Map<?, ?>) {
            throw new ChatTemplateException("it uses a list or a dictionary as a string");
        }
        return value == null ? "" : value.toString();
    }

    /** Without the white space at both ends that Python strips: more than {@code String.trim}, and not quite {@code String.strip}. */
    static String strip(String text) {
        return strip(text, "", true, true);
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    private static String strip(String text, String characters, boolean left, boolean right) {
        int from = 0;
        int to = text.length();
        while (left && from < to && strips(text.charAt(from), characters)) {
            from++;
        }
        while (right && from < to && strips(text.charAt(to - 1), characters)) {
            to--;
        }
        return text.substring(from, to);
    }

    private static boolean strips(char c, String characters) {
        return characters.isEmpty() ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    /** {@code str.isspace}: White_Space, and the four separators U+001C to U+001F. */
    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    private static String strippable(Object[] arguments) {
        return arguments.length == 0 || arguments[0] == null ? "" : arguments[0].toString();
    }

    private static List<String> split(String text, Object[] arguments) {
        int limit = limit(arguments);
        List<String> parts = new ArrayList<>();
        if (arguments.length == 0 || arguments[0] == null) {
            String rest = strip(text, "", true, false);
            while (!rest.isEmpty() && parts.size() < limit) {
                int end = 0;
                while (end < rest.length() && !isSpace(rest.charAt(end))) {
                    end++;
                }
                parts.add(rest.substring(0, end));
                rest = strip(rest.substring(end), "", true, false);
            }
            if (!rest.isEmpty()) {
                parts.add(rest);
            }
            return parts;
        }
        String separator = separator(arguments);
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() < limit; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static List<String> rsplit(String text, Object[] arguments) {
        int limit = limit(arguments);
        String separator = separator(arguments);
        List<String> parts = new ArrayList<>();
        int to = text.length();
        for (int at = text.lastIndexOf(separator); at >= 0 && parts.size() < limit; at = text.lastIndexOf(separator, to - separator.length())) {
            parts.addFirst(text.substring(at + separator.length(), to));
            to = at;
        }
        parts.addFirst(text.substring(0, to));
        return parts;
    }

    private static int limit(Object[] arguments) {
        return arguments.length > 1 && arguments[1] instanceof Number most && most.intValue() >= 0 ? most.intValue() : Integer.MAX_VALUE;
    }

    private static String separator(Object[] arguments) {
        String separator = string("split", arguments, 0);
        if (separator.isEmpty()) {
            throw new ChatTemplateException("it splits a string at the empty string");
        }
        return separator;
    }

    private static List<String> anyOf(Object[] arguments) {
        if (arguments.length > 0 && arguments[0] instanceof List<?> several) {
            return several.stream().map(String::valueOf).toList();
        }
        return List.of(string("startswith or endswith", arguments, 0));
    }

    private static int count(String text, String part) {
        if (part.isEmpty()) {
            return text.length() + 1;
        }
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    private static String replace(String text, String from, String to) {
        checkLength(text.length() + (long) count(text, from) * (to.length() - from.length()));
        return text.replace(from, to);
    }

    private static void checkLength(long length) {
        if (length > Sandbox.MAX_TEXT) {
            throw new ChatTemplateException("it makes a string of " + length + " characters");
        }
    }

    private static String join(String separator, Object[] arguments) {
        if (arguments.length == 0 || !(arguments[0] instanceof Iterable<?> items)) {
            throw new ChatTemplateException("it joins something that is no list");
        }
        List<String> texts = new ArrayList<>();
        long length = 0;
        for (Object item : items) {
            texts.add(text(item));
            length += separator.length() + texts.getLast().length();
            checkLength(length);
        }
        return String.join(separator, texts);
    }

    private static String string(String method, Object[] arguments, int index) {
        if (arguments.length <= index || arguments[index] == null) {
            throw new ChatTemplateException("it calls the string method '" + method + "' with too few arguments");
        }
        return arguments[index].toString();
    }
}
