package io.github.bitnet4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.text.Normalizer;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class BytePairTokenizerTest {

    private static final Tokenizer SHAKESPEARE = Tokenizer.of(TestVocabularies.shakespeare());

    @Test
    void goldenIdsOfLlama3() throws IOException {
        Tokenizer tokenizer = Tokenizer.of(TestVocabularies.llama3());
        JsonNode cases = new ObjectMapper().readTree(TestVocabularies.shared("golden/llama3-tokens.json").toFile());
        assertTrue(cases.size() > 30);
        for (JsonNode one : cases) {
            String text = one.get("text").textValue();
            int[] ids = IntStream.range(0, one.get("ids").size()).map(i -> one.get("ids").get(i).intValue()).toArray();
            assertArrayEquals(ids, tokenizer.encode(text, SpecialTokens.PARSE), text);
            assertEquals(text, tokenizer.decode(ids, SpecialText.SHOW));
        }
    }

    @Test
    void llama3RoundTripsAnyText() {
        roundTrip(Tokenizer.of(TestVocabularies.llama3()), 20_000);
    }

    @Test
    void bundledModelRoundTripsAnyText() {
        roundTrip(SHAKESPEARE, 20_000);
    }

    @Test
    void anyTextComesBackInNormalFormC() {
        Tokenizer tokenizer = Tokenizer.of(TestVocabularies.composing(TestVocabularies.llama3()));
        SplittableRandom random = new SplittableRandom(8);
        for (int i = 0; i < 5_000; i++) {
            String text = RandomText.next(random, 20, false);
            assertEquals(Normalizer.normalize(text, Normalizer.Form.NFC), tokenizer.decode(tokenizer.encode(text)));
        }
    }

    private static void roundTrip(Tokenizer tokenizer, int times) {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < times; i++) {
            String text = RandomText.next(random, 20, false);
            assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
            assertEquals(text, tokenizer.decode(tokenizer.encode(text, SpecialTokens.PARSE), SpecialText.SHOW));
        }
    }

    @Test
    void bundledModelIds() {
        assertEquals(2048, SHAKESPEARE.size());
        assertEquals(OptionalInt.of(2045), SHAKESPEARE.bos());
        assertEquals(OptionalInt.of(2046), SHAKESPEARE.eos());
        assertEquals(OptionalInt.empty(), SHAKESPEARE.eot());
        assertTrue(SHAKESPEARE.addBos());
        assertEquals(List.of("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"), SHAKESPEARE.controlTokens());
        assertEquals(OptionalInt.of(2047), SHAKESPEARE.id("<|eot_id|>"));
        assertEquals(OptionalInt.of(2044), SHAKESPEARE.id("\u0120ord"));
        assertEquals(OptionalInt.empty(), SHAKESPEARE.id("\u0120absent"));
        assertEquals(OptionalInt.empty(), SHAKESPEARE.id(" ord"));
        assertEquals(OptionalInt.empty(), SHAKESPEARE.id(""));
        assertArrayEquals(" ord".getBytes(), SHAKESPEARE.bytes(2044));
        assertTrue(SHAKESPEARE.isSpecial(2045));
        assertFalse(SHAKESPEARE.isSpecial(2044));
        assertThrows(IndexOutOfBoundsException.class, () -> SHAKESPEARE.bytes(2048));
        assertThrows(IndexOutOfBoundsException.class, () -> SHAKESPEARE.isSpecial(-1));
    }

    @Test
    void specialTokensOnlyWhereParsed() {
        int[] parsed = SHAKESPEARE.encode("a<|eot_id|><|eot_id|>b<|eot_id", SpecialTokens.PARSE);
        assertEquals(2047, parsed[1]);
        assertEquals(2047, parsed[2]);
        assertEquals("ab<|eot_id", SHAKESPEARE.decode(parsed));
        for (int id : SHAKESPEARE.encode("a<|eot_id|>b")) {
            assertTrue(id < 2045);
        }
    }

    /** A white-space run at the end of the text before a special token is a run at an end. */
    @Test
    void specialTokensEndThePiecesAroundThem() {
        int[] left = SHAKESPEARE.encode("Role:  ");
        int[] both = SHAKESPEARE.encode("Role:  <|eot_id|>  x", SpecialTokens.PARSE);
        assertArrayEquals(left, IntStream.of(both).limit(left.length).toArray());
        assertArrayEquals(SHAKESPEARE.encode("  x"), IntStream.of(both).skip(left.length + 1).toArray());
    }

    @Test
    void leftmostThenLongestSpecialToken() {
        List<String> tokens = TestVocabularies.byteTokens("<a>", "<a><b>", "<b><c>", "<user>");
        int[] types = IntStream.range(0, tokens.size()).map(id -> id < 256 ? 1 : id == 259 ? 4 : 3).toArray();
        Tokenizer tokenizer = Tokenizer.of(Vocabulary.of(tokens).pre("llama-bpe").types(types).build());
        assertArrayEquals(new int[] {257, 256}, tokenizer.encode("<a><b><a>", SpecialTokens.PARSE));
        assertEquals(257, tokenizer.encode("<a><b><c>", SpecialTokens.PARSE)[0]);
        assertArrayEquals(new int[] {258}, tokenizer.encode("<b><c>", SpecialTokens.PARSE));
        assertArrayEquals(new int[] {259}, tokenizer.encode("<user>"));
        assertFalse(tokenizer.isSpecial(259));
        assertEquals("<user>", tokenizer.decode(new int[] {259, 256}));
        assertEquals("<user><a>", tokenizer.decode(new int[] {259, 256}, SpecialText.SHOW));
    }

    @Test
    void loneSurrogatesBecomeReplacementCharacters() {
        assertEquals("a\uFFFDb", SHAKESPEARE.decode(SHAKESPEARE.encode("a\uD800b")));
        assertEquals("\uFFFD\uFFFD", SHAKESPEARE.decode(SHAKESPEARE.encode("\uDC00\uD800")));
        assertEquals("\uFFFD\uD83D\uDE00", SHAKESPEARE.decode(SHAKESPEARE.encode("\uD83D\uD83D\uDE00")));
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 20_000; i++) {
            String text = RandomText.next(random, 10, true);
            String repaired = text.codePoints().map(c -> c >= 0xD800 && c < 0xE000 ? 0xFFFD : c)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
            assertEquals(repaired, SHAKESPEARE.decode(SHAKESPEARE.encode(text)));
        }
    }

    @Test
    void mergesAsTheDefinitionSays() {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < 300; round++) {
            List<String> tokens = TestVocabularies.byteTokens();
            List<String> merges = new ArrayList<>();
            List<String> letters = new ArrayList<>(List.of("a", "b", "c"));
            for (int i = 0; i < 30; i++) {
                String left = letters.get(random.nextInt(letters.size()));
                String right = letters.get(random.nextInt(letters.size()));
                if (merges.contains(left + " " + right) || left.length() + right.length() > 12) {
                    continue;
                }
                merges.add(left + " " + right);
                if (!letters.contains(left + right)) {
                    letters.add(left + right);
                    tokens.add(left + right);
                }
            }
            Tokenizer tokenizer = Tokenizer.of(Vocabulary.of(tokens).pre("llama-bpe").merges(merges).build());
            for (int length : new int[] {1, 2, 3, 7, 20, 47, 48, 49, 50, 90, 300}) {
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < length; i++) {
                    text.append((char) ('a' + random.nextInt(3)));
                }
                List<String> expected = tokens.contains(text.toString()) ? List.of(text.toString()) : naive(text.toString(), merges);
                int[] ids = tokenizer.encode(text.toString());
                assertEquals(expected, IntStream.of(ids).mapToObj(tokens::get).toList(), () -> "merges " + merges);
            }
        }
    }

    private static List<String> naive(String text, List<String> merges) {
        List<String> parts = new ArrayList<>(text.chars().mapToObj(Character::toString).toList());
        Map<String, Integer> ranks = new HashMap<>();
        merges.forEach(merge -> ranks.put(merge, ranks.size()));
        while (true) {
            int best = -1;
            int bestRank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = ranks.getOrDefault(parts.get(i) + " " + parts.get(i + 1), Integer.MAX_VALUE);
                if (rank < bestRank) {
                    bestRank = rank;
                    best = i;
                }
            }
            if (best < 0) {
                return parts;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
    }

    @Test
    void wholePiecesNeedNoMerges() {
        Tokenizer tokenizer = Tokenizer.of(Vocabulary.of(TestVocabularies.byteTokens("\u0120whole")).pre("llama-bpe").build());
        assertArrayEquals(new int[] {256}, tokenizer.encode(" whole"));
        assertEquals(7, tokenizer.encode(" wholes").length);
    }

    /** Quadratic merging of one piece of a megabyte would take hours. */
    @Test
    void longPiecesTakeNoMoreThanTheyMust() {
        for (String unit : List.of("a", " ", "\n", "the", "\uD83D\uDE00", "!", "1", "<|", "'")) {
            String text = unit.repeat((1 << 20) / unit.length());
            assertTimeout(Duration.ofSeconds(30), () -> assertEquals(text, SHAKESPEARE.decode(SHAKESPEARE.encode(text))));
        }
    }

    @Test
    void listsAreWalkedOnceAndNothingIsKept() {
        List<String> merges = List.of("a b");
        List<String> once = new AbstractList<>() {
            private boolean walked;

            @Override
            public String get(int index) {
                assertTrue(index > 0 || !walked);
                walked = true;
                return merges.get(index);
            }

            @Override
            public int size() {
                return merges.size();
            }
        };
        Tokenizer tokenizer = Tokenizer.of(Vocabulary.of(TestVocabularies.byteTokens("ab")).pre("llama-bpe").merges(once).build());
        assertArrayEquals(new int[] {256}, tokenizer.encode("ab"));
    }

    @Test
    void wrongVocabulariesAreNamed() {
        List<String> tokens = TestVocabularies.byteTokens("ab");
        rejected("merges[0] is 'a c'", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("a c")));
        rejected("merges[1] is 'ab'", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("a b", "ab")));
        rejected("merges[0] is ' a'", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of(" a")));
        rejected("merges[0] is 'a '", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("a ")));
        rejected("merges[0] is ''", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("")));
        rejected("merges[0] is 'a \u4F60'", Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("a \u4F60")));
        rejected("merges[0] is 'a " + "b".repeat(78) + "...'",
                Vocabulary.of(tokens).pre("llama-bpe").merges(List.of("a " + "b".repeat(1000))));
        rejected("tokenizer.ggml.pre is missing", Vocabulary.of(tokens));
        rejected("'gpt-5' is not known here; known: llama-bpe, llama3", Vocabulary.of(tokens).pre("gpt-5"));
        rejected("tokenizer.ggml.model is 'bert'", Vocabulary.of(tokens).model("bert"));
        assertMessage("bos_token_id is 257, but the vocabulary has 257 tokens", () -> Vocabulary.of(tokens).bos(257).build());
        assertMessage("eos_token_id is -1", () -> Vocabulary.of(tokens).eos(-1).build());
        assertMessage("token_type has 1 entries for 257 tokens", () -> Vocabulary.of(tokens).types(new int[1]));
        Tokenizer letters = Tokenizer.of(Vocabulary.of(List.of("a", "b")).pre("llama-bpe").build());
        assertArrayEquals(new int[] {1, 0}, letters.encode("ba"));
        assertMessage("no token for the byte 0x63", () -> letters.encode("abc"));
    }

    private static void rejected(String message, Vocabulary.Builder vocabulary) {
        assertMessage(message, () -> Tokenizer.of(vocabulary.build()));
    }

    private static void assertMessage(String part, Executable action) {
        String message = assertThrows(VocabularyException.class, action).getMessage();
        assertTrue(message.contains(part), message);
    }
}
