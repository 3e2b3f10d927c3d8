package io.github.bitnet4j.tokenizer;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads an expression of Oniguruma so that Joni matches the same. The two differ in what a character of a word is: Joni counts U+200C and
 * U+200D, and Oniguruma, though only outside of brackets, the superscripts and fractions of Latin-1. What else may be read in another way
 * is refused: letters after a backslash and groups beyond the usual ones, classes that POSIX names or that lie in brackets in brackets in
 * brackets, and where case is ignored properties, letters beyond ASCII, and two letters that can be one character. The rest was compared,
 * by random expressions and texts.
 */
final class ExpressionReader {

    private static final String LATIN_NUMBERS = "\\u00B2\\u00B3\\u00B9\\u00BC-\\u00BE";
    private static final String WORD = "[\\w" + LATIN_NUMBERS + "&&[^\\u200C\\u200D]]";
    /** What is written in another way, in brackets and outside. */
    private static final Map<Character, String> IN_BRACKETS = Map.of('w', "[\\w&&[^\\u200C\\u200D]]", 'W', "[\\W\\u200C\\u200D]");
    private static final Map<Character, String> OUTSIDE = Map.of('w', WORD, 'W', "[\\u200C\\u200D[^\\w" + LATIN_NUMBERS + "]]",
            'b', "(?:(?<=W)(?!W)|(?<!W)(?=W))".replace("W", WORD), 'B', "(?:(?<=W)(?=W)|(?<!W)(?!W))".replace("W", WORD));
    /** After a backslash, beside what is neither letter nor digit. */
    private static final String ESCAPES = "sSdDwWpPrntfvaexu";
    private static final String ANCHORS = "bBAzZ";
    private static final Set<String> GROUPS = Set.of("(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:");
    /** Properties that have not the same characters. */
    private static final Set<String> DIFFERENT = Set.of("word", "lower");
    /** After a backslash, what stands for many characters. */
    private static final String CLASSES = "sSdDwWpP";
    private static final String WITHOUT_CASE = " where case is ignored";

    private final String expression;
    private final StringBuilder read = new StringBuilder();
    private int at;
    private int depth;
    /** The depth of the outermost group that ignores case, or 0. */
    private int ignoresCase;
    /** Whether this is in {@code [^ } in brackets, which Joni takes for something else where it holds nothing. */
    private boolean isRest;

    private ExpressionReader(String expression) {
        this.expression = expression;
    }

    /**
     * @return the expression for Joni
     * @throws VocabularyException for one that might be read in another way
     */
    static String read(String expression) {
        return new ExpressionReader(expression).read();
    }

    private String read() {
        while (at < expression.length()) {
            switch (expression.charAt(at)) {
                case '\\' -> escape(OUTSIDE, ANCHORS);
                case '[' -> bracket();
                case '(' -> open();
                case ')' -> close();
                default -> literal();
            }
        }
        return read.toString();
    }

    private void take(int length) {
        read.append(expression, at, at + length);
        at += length;
    }

    /** A character that stands for itself, or an operator, outside of brackets. */
    private void literal() {
        char c = expression.charAt(at);
        char next = at + 1 < expression.length() ? expression.charAt(at + 1) : ' ';
        if (ignoresCase == 0 || !Character.isLetter(checkAscii(c))) {
            take(1);
            return;
        }
        char small = Character.toLowerCase(c);
        if ("sf".indexOf(small) >= 0 && "sftil{*+".indexOf(Character.toLowerCase(next)) >= 0) {
            throw unknown(expression.substring(at, at + 2) + WITHOUT_CASE); // one character can be both
        }
        String third = small == 's' ? "\u017F" : small == 'k' ? "\u212A" : "";
        read.append('[').append(small).append(Character.toUpperCase(c)).append(third).append(']');
        at++;
    }

    private char checkAscii(char c) {
        if (ignoresCase > 0 && c >= 0x80) {
            throw unknown(Character.toString(expression.codePointAt(at)) + WITHOUT_CASE);
        }
        return c;
    }

    private void open() {
        depth++;
        if (!expression.startsWith("(?", at)) {
            take(1);
            return;
        }
        String group = GROUPS.stream().filter(known -> expression.startsWith(known, at)).findFirst()
                .orElseThrow(() -> unknown(expression.substring(at, Math.min(at + 4, expression.length()))));
        if (ignoresCase == 0 && group.equals("(?i:")) {
            ignoresCase = depth;
        }
        take(group.length());
    }

    private void close() {
        ignoresCase = ignoresCase == depth ? 0 : ignoresCase;
        depth--;
        take(1);
    }

    /** A class in brackets, in which classes may lie. After one of those a hyphen is no range. */
    private void bracket() {
        int inside = 0;
        boolean afterClass = false;
        do {
            char c = expression.charAt(at);
            if (afterClass && c == '-') {
                read.append('\\');
            }
            afterClass = c == ']' || c == '\\' && CLASSES.indexOf(expression.charAt(Math.min(at + 1, expression.length() - 1))) >= 0;
            switch (c) {
                case '\\' -> escape(IN_BRACKETS, "");
                case '[' -> inside = openBracket(inside);
                case ']' -> {
                    inside--;
                    isRest = false;
                    take(1);
                }
                default -> {
                    checkAscii(c);
                    take(1);
                }
            }
        } while (inside > 0 && at < expression.length());
    }

    private int openBracket(int inside) {
        if (inside == 2 || expression.startsWith("[:", at)) {
            throw unknown(inside == 2 ? "[ in [ in [" : "[:");
        }
        if (inside > 0 && expression.charAt(at - 1) == '-') {
            throw unknown("-[");
        }
        isRest = inside == 1 && expression.startsWith("[^", at);
        take(expression.startsWith("[^", at) ? 2 : 1);
        if (expression.startsWith("]", at)) {
            throw unknown("[]");
        }
        return inside + 1;
    }

    private void escape(Map<Character, String> otherwise, String anchors) {
        char c = at + 1 < expression.length() ? expression.charAt(at + 1) : '\\';
        boolean known = ESCAPES.indexOf(c) >= 0 || anchors.indexOf(c) >= 0;
        if (c < 0x80 && Character.isLetterOrDigit(c) && !known) {
            throw unknown("\\" + c);
        }
        if (isRest && ("DSWP".indexOf(c) >= 0 || expression.startsWith("\\p{^", at))) {
            throw unknown("\\" + c + " in brackets that begin with ^ in others");
        }
        if (ignoresCase > 0 && "pPxu".indexOf(c) >= 0) {
            throw unknown("\\" + c + WITHOUT_CASE);
        }
        if (c == 'p' || c == 'P') {
            property();
        } else if (otherwise.containsKey(c)) {
            read.append(ignoresCase > 0 && otherwise == OUTSIDE ? "(?-i:" + otherwise.get(c) + ")" : otherwise.get(c));
            at += 2;
        } else {
            take(Math.min(2, expression.length() - at));
        }
    }

    private void property() {
        if (!expression.startsWith("{", at + 2)) {
            throw unknown(expression.substring(at, at + 2) + " without {");
        }
        int end = expression.indexOf('}', at);
        String property = expression.substring(at, end < 0 ? expression.length() : end + 1);
        if (DIFFERENT.contains(property.toLowerCase(Locale.ROOT).replaceAll("^..|[{}^ _-]", ""))) {
            throw unknown(property);
        }
        take(property.length());
    }

    private VocabularyException unknown(String part) {
        return new VocabularyException("text is split by the expression " + expression + ", in which " + part
                + " is not known here; known are classes, groups, alternatives and repetitions, looking ahead and behind, and (?i:");
    }
}
