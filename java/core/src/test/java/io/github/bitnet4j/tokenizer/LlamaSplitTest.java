package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LlamaSplitTest {

    /** As published. UNICODE_CHARACTER_CLASS makes \s White_Space; UNICODE_CASE folds beyond ASCII. */
    private static final Pattern PUBLISHED = Pattern.compile(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE);

    @Test
    void examples() {
        assertEquals(List.of("I", "'ll", " we", "'VE", " it", "'\u017F"), split("I'll we'VE it'\u017F"));
        assertEquals(List.of(" ", " two", "   \n\n", " ", " x"), split("  two   \n\n  x"));
        assertEquals(List.of("123", "45", ".", "6", " ", "7"), split("12345.6 7"));
        assertEquals(List.of("a", " ==\r\n\n", "\tb", "(c", ")\n"), split("a ==\r\n\n\tb(c)\n"));
    }

    @Test
    void everyCodePointAloneAndBetweenOthers() {
        for (int c = 0; c < 0x110000; c++) {
            if (c < 0xD800 || c > 0xDFFF) {
                String one = Character.toString(c);
                check(one + "b" + one + one + " " + one + "'" + one + "\n" + one + "1" + one);
            }
        }
    }

    @Test
    void randomTextSplitsAsTheRegexDoes() {
        SplittableRandom random = new SplittableRandom(42);
        for (int i = 0; i < 400_000; i++) {
            check(RandomText.next(random, 12, false));
        }
    }

    private static void check(String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        Matcher matcher = PUBLISHED.matcher(text);
        int at = 0;
        int chars = 0;
        while (at < utf8.length) {
            int end = LlamaSplit.end(utf8, at, utf8.length);
            boolean found = matcher.find() && matcher.start() == chars;
            String piece = new String(utf8, at, end - at, UTF_8);
            if (!found || !matcher.group().equals(piece)) {
                assertEquals(regexSplit(text), split(text), () -> "for " + text.codePoints().mapToObj(Integer::toHexString).toList());
            }
            chars = matcher.end();
            at = end;
        }
    }

    private static List<String> regexSplit(String text) {
        return PUBLISHED.matcher(text).results().map(result -> result.group()).toList();
    }

    private static List<String> split(String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        List<String> pieces = new ArrayList<>();
        for (int at = 0; at < utf8.length;) {
            int end = LlamaSplit.end(utf8, at, utf8.length);
            pieces.add(new String(utf8, at, end - at, UTF_8));
            at = end;
        }
        return pieces;
    }
}
