package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.github.bitnet4j.tokenizer.SplitStep.Behavior;
import io.github.bitnet4j.tokenizer.SplitStep.Expression;
import io.github.bitnet4j.tokenizer.SplitStep.Whole;
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

    private static final PreTokenizer BY_HAND_LLAMA = new LlamaSplit(3);
    private static final PreTokenizer BY_HAND_QWEN = new LlamaSplit(1);

    /** As published. UNICODE_CHARACTER_CLASS makes \s White_Space; UNICODE_CASE folds beyond ASCII. */
    private static final Map<PreTokenizer, Pattern> PUBLISHED = Map.of(BY_HAND_LLAMA, pattern(LLAMA), BY_HAND_QWEN, pattern(QWEN));

    private static Pattern pattern(String expression) {
        return Pattern.compile(expression, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE);
    }

    @Test
    void splitsAreKnownByTheirNamesAndPublishedExpressions() {
        assertEquals(Optional.of(NamedSplit.LLAMA_BPE), NamedSplit.of(steps(Behavior.ISOLATED, false, LLAMA)));
        assertEquals(Optional.of(NamedSplit.QWEN2), NamedSplit.of(steps(Behavior.REMOVED, true, QWEN)));
        assertEquals(Optional.empty(), NamedSplit.of(steps(Behavior.REMOVED, false, QWEN)));
        assertEquals(Optional.empty(), NamedSplit.of(steps(Behavior.ISOLATED, false, "\\p{N}")));
        for (String name : List.of("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "falcon_e")) {
            assertEquals(NamedSplit.LLAMA_BPE, NamedSplit.named(name));
        }
        assertEquals(NamedSplit.QWEN2, NamedSplit.named("qwen2"));
        assertEquals("llama-bpe", NamedSplit.LLAMA_BPE.ggufName());
        assertInstanceOf(LlamaSplit.class, PreTokenizer.of(steps(Behavior.ISOLATED, false, LLAMA)));
        assertInstanceOf(LlamaSplit.class, PreTokenizer.of(NamedSplit.QWEN2.steps()));
        assertInstanceOf(StepSplit.class, PreTokenizer.of(NamedSplit.SMOLLM.steps()));
    }

    private static List<SplitStep> steps(Behavior behavior, boolean inverted, String expression) {
        return List.of(new Expression(behavior, inverted, expression), Whole.BYTES);
    }

    /** The split by hand and the one that takes any expression agree, which compares Java's classes of characters with Joni's. */
    @Test
    void byHandIsTheSameAsByItsSteps() {
        SplittableRandom random = new SplittableRandom(43);
        for (NamedSplit named : List.of(NamedSplit.LLAMA_BPE, NamedSplit.QWEN2)) {
            for (int i = 0; i < 50_000; i++) {
                String text = RandomText.next(random, 12, false).codePoints().filter(Character::isDefined)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
                assertEquals(Splits.pieces(PreTokenizer.of(named.steps()), text), Splits.pieces(new StepSplit(named.steps()), text), text);
            }
        }
    }

    @Test
    void examples() {
        assertEquals(List.of("I", "'ll", " we", "'VE", " it", "'\u017F"), split(BY_HAND_LLAMA, "I'll we'VE it'\u017F"));
        assertEquals(List.of(" ", " two", "   \n\n", " ", " x"), split(BY_HAND_LLAMA, "  two   \n\n  x"));
        assertEquals(List.of("123", "45", ".", "6", " ", "7"), split(BY_HAND_LLAMA, "12345.6 7"));
        assertEquals(List.of("1", "2", "3", " ", "4", "a", "5"), split(BY_HAND_QWEN, "123 4a5"));
        assertEquals(List.of("a", " ==\r\n\n", "\tb", "(c", ")\n"), split(BY_HAND_LLAMA, "a ==\r\n\n\tb(c)\n"));
    }

    @Test
    void everyCodePointAloneAndBetweenOthers() {
        for (int c = 0; c < 0x110000; c++) {
            if (c < 0xD800 || c > 0xDFFF) {
                String one = Character.toString(c);
                check(BY_HAND_LLAMA, one + "b" + one + one + " " + one + "'" + one + "\n" + one + "1" + one);
                check(BY_HAND_QWEN, "a" + one + one + "1" + one);
            }
        }
    }

    @Test
    void randomTextSplitsAsTheRegexDoes() {
        SplittableRandom random = new SplittableRandom(42);
        for (int i = 0; i < 400_000; i++) {
            check(i % 2 == 0 ? BY_HAND_LLAMA : BY_HAND_QWEN, RandomText.next(random, 12, false));
        }
    }

    private static void check(PreTokenizer pre, String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        Matcher matcher = PUBLISHED.get(pre).matcher(text);
        int[] chars = {0, 0};
        pre.split(utf8, 0, utf8.length, (bytes, from, to) -> {
            assertEquals(chars[1], from);
            boolean found = matcher.find() && matcher.start() == chars[0];
            if (!found || !matcher.group().equals(new String(bytes, from, to - from, UTF_8))) {
                assertEquals(regexSplit(pre, text), split(pre, text), () -> "for " + text.codePoints().mapToObj(Integer::toHexString).toList());
            }
            chars[0] = matcher.end();
            chars[1] = to;
        });
        assertEquals(utf8.length, chars[1]);
    }

    private static List<String> regexSplit(PreTokenizer pre, String text) {
        return PUBLISHED.get(pre).matcher(text).results().map(result -> result.group()).toList();
    }

    private static List<String> split(PreTokenizer pre, String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        List<String> pieces = new ArrayList<>();
        pre.split(utf8, 0, utf8.length, (bytes, from, to) -> pieces.add(new String(bytes, from, to - from, UTF_8)));
        return pieces;
    }
}
