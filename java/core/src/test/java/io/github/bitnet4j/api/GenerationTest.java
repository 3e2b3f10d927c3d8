package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a generation gives and why it ends, on the greedy text of the golden numbers. */
class GenerationTest {
    private static final GenerationOptions GREEDY = GenerationOptions.tokens(64).withSampling(SamplingOptions.GREEDY);
    private static final Golden GOLDEN = Golden.read();
    private static BitNetModel model;
    /** The text of the 64 golden ids. */
    private static String goldenText;

    @BeforeAll
    static void open() {
        model = BitNetModel.open(Golden.MODEL);
        goldenText = model.tokenizer().decode(GOLDEN.greedyIds());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void anIteratorOfTokensWhosePiecesAreTheText() {
        try (Session session = model.newSession(); Generation generation = session.generate(GOLDEN.promptIds(), GREEDY)) {
            assertEquals(Optional.empty(), generation.finishReason());
            List<Integer> ids = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            while (generation.hasNext()) {
                GeneratedToken token = generation.next();
                ids.add(token.id());
                text.append(token.text());
            }
            assertArrayEquals(GOLDEN.greedyIds(), ids.stream().mapToInt(Integer::intValue).toArray());
            assertEquals(goldenText, text.toString());
            assertEquals(goldenText, generation.text());
            assertEquals(Optional.of(FinishReason.LENGTH), generation.finishReason());
            assertThrows(NoSuchElementException.class, generation::next);
        }
    }

    @Test
    void aStream() {
        try (Session session = model.newSession(); Generation generation = session.generate(GOLDEN.promptIds(), GREEDY)) {
            assertEquals(goldenText, generation.stream().map(GeneratedToken::text).collect(Collectors.joining()));
        }
    }

    @Test
    void noTokens() {
        try (Session session = model.newSession()) {
            Generation generation = session.generate(GOLDEN.promptIds(), GREEDY.withMaxTokens(0));
            assertFalse(generation.hasNext());
            assertEquals(Optional.of(FinishReason.LENGTH), generation.finishReason());
            assertEquals("", generation.text());
            assertEquals(0, generation.timings().generatedTokens());
        }
    }

    /** From the middle of one token into the middle of another, at several places. */
    @Test
    void stopStringsAcrossTokens() {
        for (int at : new int[] {1, 17, 40, goldenText.length() - 8}) {
            String stop = goldenText.substring(at, at + 7);
            String expected = goldenText.substring(0, goldenText.indexOf(stop));
            try (Session session = model.newSession()) {
                Generation generation = session.generate(GOLDEN.promptIds(), GREEDY.withStop(List.of("never", stop)));
                String pieces = generation.stream().map(GeneratedToken::text).collect(Collectors.joining());
                assertEquals(expected, pieces, stop);
                assertEquals(expected, generation.text(), stop);
                assertEquals(Optional.of(FinishReason.STOP_STRING), generation.finishReason(), stop);
                String made = model.tokenizer().decode(generation.ids());
                assertTrue(made.contains(stop), stop);
                assertTrue(made.indexOf(stop) + stop.length() > made.length() - lastTokenLength(generation),
                        "it went on after " + stop);
            }
        }
    }

    private static int lastTokenLength(Generation generation) {
        return model.tokenizer().bytes(generation.ids()[generation.ids().length - 1]).length;
    }

    /** Text that might become a stop string is held back, and given when it does not. */
    @Test
    void textBeforeAStopStringThatNeverComesIsComplete() {
        String almost = goldenText.substring(goldenText.length() - 5) + "\u0001";
        try (Session session = model.newSession()) {
            Generation generation = session.generate(GOLDEN.promptIds(), GREEDY.withStop(List.of(almost)));
            assertEquals(goldenText, generation.stream().map(GeneratedToken::text).collect(Collectors.joining()));
            assertEquals(Optional.of(FinishReason.LENGTH), generation.finishReason());
        }
    }

    @Test
    void stopIds() {
        int stop = GOLDEN.greedyIds()[10];
        int[] before = Arrays.copyOf(GOLDEN.greedyIds(), Arrays.stream(GOLDEN.greedyIds()).boxed().toList().indexOf(stop));
        try (Session session = model.newSession()) {
            Generation generation = session.generate(GOLDEN.promptIds(), GREEDY.withStopIds(Set.of(stop)));
            assertEquals(model.tokenizer().decode(before), generation.text());
            assertArrayEquals(before, generation.ids());
            assertEquals(Optional.of(FinishReason.STOP_TOKEN), generation.finishReason());
            assertEquals(GOLDEN.promptIds().length + before.length, session.position(), "the stop id is no part of the text");
        }
    }

    /** The end of text and of turn that the file names, unless they are to be ignored. */
    @Test
    void theModelsOwnStopIds() {
        assertEquals(Set.of(2046, 2047), model.info().stopIds());
        SamplingOptions onlyEnd = SamplingOptions.GREEDY.withLogitBias(Map.of(2047, 1000f));
        try (Session session = model.newSession()) {
            Generation ended = session.generate(GOLDEN.promptIds(), GREEDY.withSampling(onlyEnd));
            assertEquals("", ended.text());
            assertEquals(Optional.of(FinishReason.STOP_TOKEN), ended.finishReason());
            Generation ignoring = session.generate(new int[0],
                    GREEDY.withSampling(onlyEnd).withIgnoreStopIds(true).withMaxTokens(5));
            ignoring.text();
            assertArrayEquals(new int[] {2047, 2047, 2047, 2047, 2047}, ignoring.ids());
        }
    }

    @Test
    void theContextIsFull() {
        try (BitNetModel small = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withContextLength(20));
             Session session = small.newSession()) {
            Generation generation = session.generate(GOLDEN.promptIds(), GREEDY);
            generation.text();
            assertEquals(Optional.of(FinishReason.CONTEXT_FULL), generation.finishReason());
            assertArrayEquals(Arrays.copyOf(GOLDEN.greedyIds(), 15), generation.ids());
            assertEquals(0, session.remaining());

            Generation more = session.generate(new int[0], GREEDY);
            assertFalse(more.hasNext());
            assertEquals(Optional.of(FinishReason.CONTEXT_FULL), more.finishReason());

            session.rewind(5);
            assertEquals(15, session.generate(new int[0], GREEDY.withMaxTokens(15)).stream().count());
        }
    }

    @Test
    void sameSeedSameTextWhateverTheThreads() {
        GenerationOptions options = GenerationOptions.tokens(48).withSampling(SamplingOptions.DEFAULT.withSeed(42));
        List<String> texts = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3}) {
            try (BitNetModel other = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withThreads(threads));
                 Session session = other.newSession()) {
                texts.add(session.generate("ROMEO:", options).text());
            }
        }
        assertEquals(1, Set.copyOf(texts).size(), texts.toString());
        try (Session session = model.newSession()) {
            GenerationOptions seed43 = options.withSampling(SamplingOptions.DEFAULT.withSeed(43));
            assertNotEquals(texts.getFirst(), session.generate("ROMEO:", seed43).text());
        }
    }

    /** The seed that was drawn gives the text again. */
    @Test
    void aDrawnSeedIsToldAndRepeats() {
        GenerationOptions options = GenerationOptions.tokens(32);
        try (Session session = model.newSession()) {
            Generation first = session.generate("ROMEO:", options);
            String text = first.text();
            session.rewind(0);
            Generation again = session.generate("ROMEO:", options.withSampling(SamplingOptions.DEFAULT.withSeed(first.seed())));
            assertEquals(text, again.text());
        }
    }

    @Test
    void timingsAndProgress() {
        List<Integer> done = new ArrayList<>();
        try (BitNetModel small = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withBatchSize(4));
             Session session = small.newSession()) {
            Generation generation = session.generate(Arrays.copyOf(GOLDEN.nllIds(), 10),
                    GREEDY.withMaxTokens(3).withListener((count, total) -> {
                        done.add(count);
                        assertTrue(total == 10 || total == 1, "total " + total);
                    }));
            generation.text();
            assertEquals(List.of(4, 8, 10), done.subList(0, 3));
            Timings timings = generation.timings();
            assertEquals(10, timings.promptTokens());
            assertEquals(3, timings.generatedTokens());
            assertTrue(timings.promptTokensPerSecond() > 0 && timings.generatedTokensPerSecond() > 0, timings.toString());
        }
    }

    @Test
    void cancelledBetweenTokens() {
        try (Session session = model.newSession(); Generation generation = session.generate(GOLDEN.promptIds(), GREEDY)) {
            generation.next();
            generation.next();
            generation.cancel();
            assertFalse(generation.hasNext());
            assertEquals(Optional.of(FinishReason.CANCELLED), generation.finishReason());
            Generation rest = session.generate(new int[0], GREEDY.withMaxTokens(62));
            rest.text();
            assertArrayEquals(Arrays.copyOfRange(GOLDEN.greedyIds(), 2, 64), rest.ids());
        }
    }
}
