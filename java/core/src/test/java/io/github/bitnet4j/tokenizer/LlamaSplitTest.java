package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LlamaSplitTest {

    private static final String LLAMA = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String QWEN = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** As published. UNICODE_CHARACTER_CLASS makes \s White_Space; UNICODE_CASE folds beyond ASCII. */
    private static final Map<PreTokenizer, Pattern> PUBLISHED = Map.of(PreTokenizer.LLAMA_BPE, pattern(LLAMA),
            PreTokenizer.QWEN2, pattern(QWEN));

    private static Pattern pattern(String expression) {
        return Pattern.compile(expression, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE);
    }

    @Test
    void splitsAreKnownByTheirNamesAndPublishedExpressions() {
        assertEquals(Optional.of(PreTokenizer.LLAMA_BPE), PreTokenizer.ofExpression(LLAMA));
        assertEquals(Optional.of(PreTokenizer.QWEN2), PreTokenizer.ofExpression(QWEN));
        assertEquals(Optional.empty(), PreTokenizer.ofExpression("\\p{N}"));
        for (String name : List.of("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "falcon_e")) {
            assertEquals(PreTokenizer.LLAMA_BPE, PreTokenizer.named(name));
        }
        assertEquals(PreTokenizer.QWEN2, PreTokenizer.named("qwen2"));
        assertEquals("llama-bpe", PreTokenizer.LLAMA_BPE.ggufName());
    }

    @Test
    void examples() {
        assertEquals(List.of("I", "'ll", " we", "'VE", " it", "'\u017F"), split(PreTokenizer.LLAMA_BPE, "I'll we'VE it'\u017F"));
        assertEquals(List.of(" ", " two", "   \n\n", " ", " x"), split(PreTokenizer.LLAMA_BPE, "  two   \n\n  x"));
        assertEquals(List.of("123", "45", ".", "6", " ", "7"), split(PreTokenizer.LLAMA_BPE, "12345.6 7"));
        assertEquals(List.of("1", "2", "3", " ", "4", "a", "5"), split(PreTokenizer.QWEN2, "123 4a5"));
        assertEquals(List.of("a", " ==\r\n\n", "\tb", "(c", ")\n"), split(PreTokenizer.LLAMA_BPE, "a ==\r\n\n\tb(c)\n"));
    }

    @Test
    void everyCodePointAloneAndBetweenOthers() {
        for (int c = 0; c < 0x110000; c++) {
            if (c < 0xD800 || c > 0xDFFF) {
                String one = Character.toString(c);
                check(PreTokenizer.LLAMA_BPE, one + "b" + one + one + " " + one + "'" + one + "\n" + one + "1" + one);
                check(PreTokenizer.QWEN2, "a" + one + one + "1" + one);
            }
        }
    }

    @Test
    void randomTextSplitsAsTheRegexDoes() {
        SplittableRandom random = new SplittableRandom(42);
        for (int i = 0; i < 400_000; i++) {
            check(i % 2 == 0 ? PreTokenizer.LLAMA_BPE : PreTokenizer.QWEN2, RandomText.next(random, 12, false));
        }
    }

    private static void check(PreTokenizer pre, String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        Matcher matcher = PUBLISHED.get(pre).matcher(text);
        int at = 0;
        int chars = 0;
        while (at < utf8.length) {
            int end = pre.end(utf8, at, utf8.length);
            boolean found = matcher.find() && matcher.start() == chars;
            String piece = new String(utf8, at, end - at, UTF_8);
            if (!found || !matcher.group().equals(piece)) {
                assertEquals(regexSplit(pre, text), split(pre, text), () -> "for " + text.codePoints().mapToObj(Integer::toHexString).toList());
            }
            chars = matcher.end();
            at = end;
        }
    }

    private static List<String> regexSplit(PreTokenizer pre, String text) {
        return PUBLISHED.get(pre).matcher(text).results().map(result -> result.group()).toList();
    }

    private static List<String> split(PreTokenizer pre, String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        List<String> pieces = new ArrayList<>();
        for (int at = 0; at < utf8.length;) {
            int end = pre.end(utf8, at, utf8.length);
            pieces.add(new String(utf8, at, end - at, UTF_8));
            at = end;
        }
        return pieces;
    }
}
