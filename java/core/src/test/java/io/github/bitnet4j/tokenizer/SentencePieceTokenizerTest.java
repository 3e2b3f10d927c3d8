package io.github.bitnet4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SentencePieceTokenizerTest {

    private static final int UNKNOWN = 0;
    private static final int BOS = 1;
    private static final int EOS = 2;
    private static final int FIRST_BYTE = 3;
    private static final int FIRST_PIECE = FIRST_BYTE + 256;

    /** {@code <unk> <s> </s>}, 256 bytes, then these pieces, with their scores. */
    private static final class Pieces {
        private final List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        private final List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
        private final List<Float> scores = new ArrayList<>(List.of(0f, 0f, 0f));
        private final List<String> merges = new ArrayList<>();
        private SpacePrefix prefix = SpacePrefix.ALWAYS;

        Pieces() {
            for (int b = 0; b < 256; b++) {
                add("<0x%02X>".formatted(b), 6, 0);
            }
        }

        Pieces add(String token, int type, double score) {
            tokens.add(token);
            types.add(type);
            scores.add((float) score);
            return this;
        }

        Pieces all(String... pieces) {
            for (String piece : pieces) {
                add(piece, 1, -tokens.size());
            }
            return this;
        }

        Pieces prefix(SpacePrefix value) {
            prefix = value;
            return this;
        }

        Vocabulary.Builder builder() {
            float[] values = new float[scores.size()];
            IntStream.range(0, values.length).forEach(i -> values[i] = scores.get(i));
            return Vocabulary.of(tokens).model("llama").types(types.stream().mapToInt(i -> i).toArray()).scores(values)
                    .merges(merges).bos(BOS).eos(EOS).spacePrefix(prefix);
        }

        Tokenizer tokenizer() {
            return Tokenizer.of(builder().build());
        }
    }

    private static Pieces words() {
        return new Pieces().all("\u2581", "h", "e", "l", "o", "w", "r", "d", "\n", "\u00E9", "\u4F60")
                .all("he", "ll", "llo", "hello", "\u2581hello", "\u2581w", "or", "ld", "orld", "\u2581world", "\u2581\u2581");
    }

    private static List<String> pieces(Tokenizer tokenizer, String text) {
        return IntStream.of(tokenizer.encode(text, SpecialTokens.PARSE))
                .mapToObj(id -> new String(tokenizer.bytes(id), StandardCharsets.UTF_8)).toList();
    }

    @Test
    void examples() {
        Tokenizer tokenizer = words().tokenizer();
        assertEquals(List.of(" hello", " world"), pieces(tokenizer, "hello world"));
        assertEquals(List.of(" ", " hello"), pieces(tokenizer, " hello"));
        assertEquals(List.of(" ", "\u4F60", "\u00E9", "\n"), pieces(tokenizer, "\u4F60\u00E9\n"));
        assertArrayEquals(new int[0], tokenizer.encode(""));
        assertEquals(List.of("hello", " world"), pieces(words().prefix(SpacePrefix.NEVER).tokenizer(), "hello world"));
    }

    @Test
    void charactersThatAreNoTokensAreTheirBytes() {
        Tokenizer tokenizer = words().prefix(SpacePrefix.NEVER).tokenizer();
        assertArrayEquals(new int[] {FIRST_BYTE + 0xF0, FIRST_BYTE + 0x9F, FIRST_BYTE + 0x98, FIRST_BYTE + 0x80, FIRST_PIECE + 1},
                tokenizer.encode("\uD83D\uDE00h"));
        StreamDecoder decoder = tokenizer.newDecoder();
        assertEquals("", decoder.push(FIRST_BYTE + 0xC3));
        assertEquals("\u00DF", decoder.push(FIRST_BYTE + 0x9F));
        assertEquals("\uFFFDh", decoder.push(FIRST_BYTE + 0x9F) + decoder.push(FIRST_PIECE + 1));
        assertArrayEquals(new byte[] {(byte) 0x9F}, tokenizer.bytes(FIRST_BYTE + 0x9F));
        assertEquals(OptionalInt.of(FIRST_BYTE + 10), tokenizer.id("<0x0A>"));
        assertEquals(OptionalInt.of(FIRST_PIECE), tokenizer.id("\u2581"));
        assertEquals(OptionalInt.empty(), tokenizer.id(" "));
        assertEquals(OptionalInt.of(EOS), tokenizer.id("</s>"));
    }

    /** A space goes before each stretch of text, as in llama.cpp and in tokenizers whose normalizer prepends it. */
    @Test
    void specialTokensBeginStretches() {
        Tokenizer tokenizer = words().add("<user>", 4, 0).tokenizer();
        assertEquals(List.of("<s>", " hello", "</s>", " ", " hello"), pieces(tokenizer, "<s>hello</s> hello"));
        assertEquals(List.of("<user>", " hello"), pieces(tokenizer, "<user>hello"));
        assertEquals("<s>hello</s> hello",
                tokenizer.decode(tokenizer.encode("<s>hello</s> hello", SpecialTokens.PARSE), SpecialText.SHOW));
        assertTrue(tokenizer.encode("<s>").length > 1);
        assertArrayEquals(new int[] {BOS}, tokenizer.encode("<s>", SpecialTokens.PARSE));
        assertArrayEquals(new int[] {UNKNOWN}, tokenizer.encode("<unk>", SpecialTokens.PARSE));
        assertTrue(tokenizer.isSpecial(UNKNOWN));
        assertTrue(tokenizer.addBos());
        assertFalse(tokenizer.addEos());
        assertTrue(Tokenizer.of(words().builder().addEos(true).addBos(false).build()).addEos());
    }

    /** A text's first space is taken away, one in the middle of a text that is being generated is not. */
    @Test
    void aStreamGoesOnWithAText() {
        Tokenizer tokenizer = words().tokenizer();
        int[] ids = tokenizer.encode("hello world");
        assertEquals("hello world", tokenizer.decode(ids));
        StreamDecoder decoder = tokenizer.newDecoder();
        assertEquals(" hello", decoder.push(ids[0]));
        assertEquals(" world", decoder.push(ids[1]));
        assertEquals("", decoder.push(EOS));
        assertEquals("world", decoder.push(ids[1]));
    }

    /** Gemma's tokens of several spaces: recognised in any text where they are written with spaces, made by merges otherwise. */
    @Test
    void userDefinedSpaces() {
        Pieces converted = words().prefix(SpacePrefix.NEVER).add("   ", 4, -1000);
        assertEquals(List.of("h", "   ", " world"), pieces(converted.tokenizer(), "h    world"));
        Pieces verbatim = words().prefix(SpacePrefix.NEVER).add("\u2581\u2581\u2581", 4, -1000);
        assertEquals(List.of("h", "   "), pieces(verbatim.tokenizer(), "h   "));
        assertEquals("h   ", verbatim.tokenizer().decode(verbatim.tokenizer().encode("h   ")));
    }

    @Test
    void mergesByScoreAsTheDefinitionSays() {
        for (int round = 0; round < 400; round++) {
            compareWithDefinition(new SplittableRandom(round), false);
        }
    }

    @Test
    void mergesByRankWhereTheFileHasThem() {
        for (int round = 0; round < 400; round++) {
            compareWithDefinition(new SplittableRandom(round), true);
        }
    }

    /** Random vocabularies, some with equal scores, some with tokens that have spaces in the middle. */
    private static void compareWithDefinition(SplittableRandom random, boolean ranked) {
        Pieces pieces = new Pieces().prefix(random.nextBoolean() ? SpacePrefix.ALWAYS : SpacePrefix.NEVER).all("\u2581", "a", "b", "\u00E9");
        Set<String> made = new LinkedHashSet<>(List.of("\u2581", "a", "b", "\u00E9"));
        boolean inner = random.nextInt(4) == 0;
        for (int i = 0; i < 40; i++) {
            List<String> known = List.copyOf(made);
            String left = known.get(random.nextInt(known.size()));
            String right = known.get(random.nextInt(known.size()));
            boolean wanted = inner || !right.startsWith("\u2581") || left.replace("\u2581", "").isEmpty();
            if (wanted && (left + right).length() <= 9 && made.add(left + right)) {
                pieces.add(left + right, 1, -random.nextInt(12));
            }
            if (ranked && made.contains(left + right) && !pieces.merges.contains(left + " " + right)) {
                pieces.merges.add(left + " " + right);
            }
        }
        Tokenizer tokenizer = pieces.tokenizer();
        boolean byRank = !pieces.merges.isEmpty();
        ToDoubleBiFunction<String, String> order = (left, right) -> {
            int id = pieces.tokens.indexOf(left + right);
            int rank = pieces.merges.indexOf(left + " " + right);
            return byRank ? rank < 0 ? Double.NaN : -rank : id < 0 ? Double.NaN : pieces.scores.get(id);
        };
        for (int length : new int[] {1, 2, 3, 5, 9, 20, 47, 60, 130}) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < length; i++) {
                text.append("  aabb\u00E9\u2581".charAt(random.nextInt(8)));
            }
            String marked = (pieces.prefix == SpacePrefix.ALWAYS ? "\u2581" : "") + text.toString().replace(' ', '\u2581');
            assertEquals(naive(marked, order), IntStream.of(tokenizer.encode(text.toString())).mapToObj(pieces.tokens::get).toList(),
                    () -> pieces.tokens.subList(FIRST_PIECE, pieces.tokens.size()) + " " + pieces.scores + pieces.merges);
        }
    }

    private static List<String> naive(String text, ToDoubleBiFunction<String, String> order) {
        List<String> parts = new ArrayList<>(text.chars().mapToObj(Character::toString).toList());
        while (true) {
            int best = -1;
            double bestOrder = Double.NEGATIVE_INFINITY;
            for (int i = 0; i + 1 < parts.size(); i++) {
                double value = order.applyAsDouble(parts.get(i), parts.get(i + 1));
                if (value > bestOrder) {
                    bestOrder = value;
                    best = i;
                }
            }
            if (best < 0) {
                return parts;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
    }

    /** Where two ways lead to a token, merges decide between them and scores cannot: that is why merges are kept. */
    @Test
    void mergesCanPreferWhatScoresCannot() {
        Pieces scored = new Pieces().prefix(SpacePrefix.NEVER).all("\u2581", "a", "aa", "aaa");
        scored.scores.set(scored.tokens.indexOf("aaa"), 0f);
        assertEquals(List.of("aaa", "aa"), pieces(scored.tokenizer(), "aaaaa"));
        scored.merges.addAll(List.of("aa a", "a aa", "a a"));
        assertEquals(List.of("aaa", "aa"), pieces(scored.tokenizer(), "aaaaa"));
        Pieces ranked = new Pieces().prefix(SpacePrefix.NEVER).all("\u2581", "a", "b", "ab", "ba", "aba");
        ranked.merges.addAll(List.of("a b", "b a", "a ba"));
        assertEquals(List.of("ab", "a"), pieces(ranked.tokenizer(), "aba"));
        ranked.merges.set(2, "ab a");
        assertEquals(List.of("aba"), pieces(ranked.tokenizer(), "aba"));
    }

    /** Any text but U+2581, which is the same as a space. */
    @Test
    void anyTextRoundTrips() {
        SplittableRandom random = new SplittableRandom(9);
        List<Tokenizer> tokenizers = List.of(words().tokenizer(), words().prefix(SpacePrefix.NEVER).tokenizer(),
                words().add("<user>", 4, 0).add("  ", 4, 0).tokenizer(), words().add("d w", 1, 0).tokenizer());
        for (int i = 0; i < 20_000; i++) {
            String text = RandomText.next(random, 20, false).replace('\u2581', ' ');
            text += random.nextBoolean() ? "<user>" + text + "</s> hello" : "";
            Tokenizer tokenizer = tokenizers.get(i % tokenizers.size());
            assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
            assertEquals(text, tokenizer.decode(tokenizer.encode(text, SpecialTokens.PARSE), SpecialText.SHOW));
        }
    }

    /** A text that begins with a space is the same as one without it to vocabularies that put one only where none is. */
    @Test
    void anyTextThatBeginsWithNoSpaceRoundTrips() {
        SplittableRandom random = new SplittableRandom(10);
        Tokenizer first = words().prefix(SpacePrefix.FIRST).add("<user>", 4, 0).tokenizer();
        Tokenizer whereMissing = words().prefix(SpacePrefix.WHERE_MISSING).add("<user>", 4, 0).tokenizer();
        for (int i = 0; i < 10_000; i++) {
            String text = "x" + RandomText.next(random, 20, false).replace('\u2581', ' ');
            assertEquals(text + "<user> " + text, first.decode(first.encode(text + "<user> " + text)));
            assertEquals(text + "<user>" + text, whereMissing.decode(whereMissing.encode(text + "<user>" + text)));
            assertArrayEquals(first.encode(text), first.encode(" " + text));
            assertArrayEquals(first.encode(text), words().tokenizer().encode(text));
        }
    }

    /** Quadratic merging of a megabyte would take hours, with spaces between words or without. */
    @Test
    void longTextsTakeNoMoreThanTheyMust() {
        for (Tokenizer tokenizer : List.of(words().tokenizer(), words().add("d w", 1, -3).tokenizer())) {
            for (String unit : List.of("hello world ", "hello", " ", "\n", "\uD83D\uDE00", "<", "ld w")) {
                String text = unit.repeat((1 << 20) / unit.length());
                assertTimeout(Duration.ofSeconds(30), () -> assertEquals(text, tokenizer.decode(tokenizer.encode(text))));
            }
        }
    }

    @Test
    void wrongVocabulariesAreNamed() {
        Map<String, Vocabulary.Builder> wrong = Map.of(
                "tokenizer.ggml.scores is missing", Vocabulary.of(List.of("\u2581")).model("llama"),
                "no token for the space, '\u2581'", new Pieces().all("a").builder(),
                "tokenizer.ggml.scores[260] is NaN", new Pieces().all("\u2581").add("a", 1, Double.NaN).builder(),
                "tokenizer.ggml.merges[0] is 'a b'", merged("a b"),
                "tokenizer.ggml.merges[0] is 'a'", merged("a"));
        wrong.forEach((part, vocabulary) -> {
            String message = assertThrows(VocabularyException.class, () -> Tokenizer.of(vocabulary.build())).getMessage();
            assertTrue(message.contains(part), message);
        });
        assertThrows(VocabularyException.class, () -> words().builder().scores(new float[3]));
        float[] none = new float[2];
        Arrays.fill(none, -1);
        Tokenizer bare = Tokenizer.of(Vocabulary.of(List.of("\u2581", "a")).model("llama").scores(none).build());
        String message = assertThrows(VocabularyException.class, () -> bare.encode("ab")).getMessage();
        assertTrue(message.contains("no token for the byte 0x62"), message);
    }

    private static Vocabulary.Builder merged(String merge) {
        Pieces pieces = new Pieces().all("\u2581", "a", "b");
        pieces.merges.add(merge);
        return pieces.builder();
    }
}
