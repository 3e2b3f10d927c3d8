package io.github.bitnet4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.tokenizer.SplitStep.Behavior;
import io.github.bitnet4j.tokenizer.SplitStep.Expression;
import io.github.bitnet4j.tokenizer.SplitStep.Whole;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What is expected of every kind of step is in {@code SplitStepsTest}; here is how they are written, combined and refused. */
class StepSplitTest {

    private static List<SplitStep> steps(String... labels) {
        return Stream.of(labels).map(SplitStep::labelled).toList();
    }

    @Test
    void labelsAreReadAsTheyAreWritten() {
        List<SplitStep> steps = new ArrayList<>(List.of(Whole.SPACE, Whole.BYTES));
        for (Behavior behavior : Behavior.values()) {
            steps.add(new Expression(behavior, false, " ?x"));
            steps.add(new Expression(behavior, true, ""));
        }
        assertEquals(steps, steps.stream().map(SplitStep::label).map(SplitStep::labelled).toList());
        assertEquals(List.of("space", "bytes", "isolated  ?x", "!isolated "), steps.stream().limit(4).map(SplitStep::label).toList());
        for (String wrong : List.of("", "!", "bits", "isolated", "!bytes", "separate x")) {
            rejected("bitnet4j.tokenizer.split has a step '" + wrong + "'", () -> SplitStep.labelled(wrong));
        }
    }

    @Test
    void stepsSeeThePiecesOfThoseBefore() {
        List<SplitStep> steps = steps("isolated b", "removed ^x", "bytes", "isolated c$");
        assertEquals(List.of("a", "b", "cd"), Splits.pieces(steps, "abxcd"));
        assertEquals(List.of("ax", "b", "x", "c"), Splits.pieces(steps, "axbxxc"));
        assertEquals(List.of("\u00C3", "\u00A9"), Splits.pieces(steps("bytes", "isolated \u00C3"), "\u00E9"), "cut through a character");
        assertEquals(List.of("\u0120a", "\u0120b"), Splits.pieces(steps("removed ,", "space", "bytes"), "a, b"));
        assertEquals(List.of(), Splits.pieces(steps("removed .", "space", "bytes"), "abc"));
        assertEquals(List.of(), Splits.pieces(steps("space", "bytes", "isolated ."), ""));
    }

    /** Ids that a removed text has none of, and a space that decoding leaves out again. */
    @Test
    void tokenizersOfSteps() {
        Vocabulary.Builder vocabulary = Vocabulary.of(TestVocabularies.byteTokens("\u0120a", "ab")).pre(SplitStep.GGUF_NAME)
                .split(List.of("removed -", "space", "bytes")).merges(List.of("\u0120 a", "a b"));
        Tokenizer tokenizer = Tokenizer.of(vocabulary.build());
        assertEquals(List.of("\u0120a", "b", "\u0120a"), names(tokenizer, "ab-a"));
        assertEquals(SpacePrefix.WHERE_MISSING, tokenizer.spacePrefix());
        assertEquals("ab c", tokenizer.decode(tokenizer.encode("ab c")));
        assertFalse(tokenizer.addBos());
    }

    /** A token that no merges lead to, in a split whose name says that pieces are taken whole, and in one whose name does not. */
    @Test
    void wholePiecesAreWhatTheFileSays() {
        for (String name : List.of("llama-bpe", "gpt-2")) {
            Vocabulary.Builder vocabulary = Vocabulary.of(TestVocabularies.byteTokens("whole")).pre(name);
            assertEquals(name.equals("gpt-2") ? 5 : 1, Tokenizer.of(vocabulary.build()).encode("whole").length);
            assertEquals(5, Tokenizer.of(vocabulary.wholePieces(false).build()).encode("whole").length);
            assertEquals(1, Tokenizer.of(vocabulary.wholePieces(true).build()).encode("whole").length);
        }
    }

    private static List<String> names(Tokenizer tokenizer, String text) {
        List<String> tokens = TestVocabularies.byteTokens("\u0120a", "ab");
        return Arrays.stream(tokenizer.encode(text)).mapToObj(tokens::get).toList();
    }

    @Test
    void whatCannotBeUsedIsNamed() {
        rejected("text must become bytes in exactly one step", () -> SplitStep.check(steps("isolated x")));
        rejected("text must become bytes in exactly one step", () -> SplitStep.check(steps("bytes", "bytes")));
        rejected("spaces be put before that", () -> SplitStep.check(steps("bytes", "space")));
        for (String wrong : List.of("(?<name>a)", "\\Ga", "\\1", "[[:alpha:]]", "\\p{Word}", "\\K", "(?i:\u00E9)", "(?i:\\p{L})", "(?i:ss)", "(?m:.)",
                "(?i)a", "[a[b[c]]]", "[a-[b]]", "[a[^\\S]]", "\\R", "\\pL|\\w{1}", "\\p|\\G{2}")) {
            rejected("text is split by the expression " + wrong + ", in which ", () -> SplitStep.check(steps("isolated " + wrong, "bytes")));
        }
        for (String wrong : List.of("(", "a)", "[a", "\\p{Nothing}", "(?<=a*)b", "*", "\\")) {
            rejected("text is split by the expression " + wrong + ", which cannot be read: ",
                    () -> SplitStep.check(steps("isolated " + wrong, "bytes")));
        }
    }

    private static void rejected(String part, Executable action) {
        String message = assertThrows(VocabularyException.class, action).getMessage();
        assertTrue(message.contains(part), message);
    }

    /** A megabyte without an end to a piece, by expressions that java.util.regex could not match without a stack of its length. */
    @Test
    void longPiecesTakeNoMoreThanTheyMust() {
        List<List<SplitStep>> splits = List.of(NamedSplit.GPT_2.steps(), NamedSplit.SMOLLM.steps(),
                steps("isolated (?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "bytes", "contiguous \\p{N}"),
                steps("isolated (?:a|b)*", "bytes"));
        for (String unit : List.of("a", "ab", " ", "\n", "1", "!", "\u00E9", " a")) {
            String text = unit.repeat((1 << 20) / unit.length());
            List<String> whole = Splits.pieces(steps("bytes"), text);
            for (List<SplitStep> steps : splits) {
                assertTimeout(Duration.ofSeconds(20), () -> assertEquals(whole.getFirst(), String.join("", Splits.pieces(steps, text))));
            }
        }
    }

    /** Every way through the letters, of which there are 2^n. */
    @Test
    void expressionsWithoutEndAreGivenUp() {
        PreTokenizer split = new StepSplit(steps("isolated (?:a|aa)+(?!a)!", "bytes"), Duration.ofMillis(100));
        rejected("has found no end in 0 s", () -> Splits.pieces(split, "a".repeat(100)));
    }
}
