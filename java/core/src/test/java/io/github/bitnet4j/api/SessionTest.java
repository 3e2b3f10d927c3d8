package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Sessions: continued, rewound, used at once, closed. */
class SessionTest {
    private static final GenerationOptions GREEDY = GenerationOptions.tokens(12).withSampling(SamplingOptions.GREEDY);
    private static final Golden GOLDEN = Golden.read();
    private static BitNetModel model;

    @BeforeAll
    static void open() {
        model = BitNetModel.open(Golden.MODEL);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static int[] generated(Session session, int... prompt) {
        Generation generation = session.generate(prompt, GREEDY);
        generation.text();
        return generation.ids();
    }

    private static int[] freshly(int... prompt) {
        try (Session session = model.newSession()) {
            return generated(session, prompt);
        }
    }

    private static float[][] logits(Session session, int... ids) {
        float[][] logits = new float[ids.length][];
        session.evaluate(ids, 0, (i, values) -> logits[i] = values.clone());
        return logits;
    }

    private static int[] concat(int[] a, int[] b) {
        int[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    @Test
    void continuingEqualsOneLongPrompt() {
        try (Session session = model.newSession()) {
            int[] first = generated(session, GOLDEN.promptIds());
            assertArrayEquals(Arrays.copyOf(GOLDEN.greedyIds(), 12), first);
            int[] more = {268, 73, 391};
            int[] whole = concat(concat(GOLDEN.promptIds(), first), more);
            assertArrayEquals(freshly(whole), generated(session, more));
            assertArrayEquals(whole, Arrays.copyOf(session.ids(), whole.length));
        }
    }

    @Test
    void rewoundEqualsFreshToTheBit() {
        try (Session session = model.newSession(); Session fresh = model.newSession()) {
            generated(session, GOLDEN.nllIds());
            for (int position : new int[] {150, 17, 16, 1, 0}) {
                session.rewind(position);
                assertEquals(position, session.position());
                int[] more = new Random(position).ints(9, 0, 2045).toArray();
                float[][] continued = logits(session, more);
                fresh.rewind(0);
                float[][] whole = logits(fresh, concat(Arrays.copyOf(GOLDEN.nllIds(), position), more));
                for (int i = 0; i < more.length; i++) {
                    assertArrayEquals(whole[position + i], continued[i], "position " + (position + i));
                }
                session.rewind(position);
            }
        }
    }

    @Test
    void rewindOutside() {
        try (Session session = model.newSession()) {
            generated(session, GOLDEN.promptIds());
            assertThrows(IllegalArgumentException.class, () -> session.rewind(-1));
            assertThrows(IllegalArgumentException.class, () -> session.rewind(session.position() + 1));
            session.rewind(session.position());
        }
    }

    /** Only the wanted positions are heard of, in order. */
    @Test
    void evaluateTheWantedPositions() {
        try (Session session = model.newSession()) {
            List<Integer> heard = new ArrayList<>();
            session.evaluate(Arrays.copyOf(GOLDEN.nllIds(), 20), 15, (i, logits) -> heard.add(i));
            assertEquals(List.of(15, 16, 17, 18, 19), heard);
            session.evaluate(new int[] {5, 6}, 2, (i, logits) -> heard.add(i));
            assertEquals(5, heard.size());
            assertArrayEquals(freshly(concat(Arrays.copyOf(GOLDEN.nllIds(), 20), new int[] {5, 6})), generated(session));
        }
    }

    @Test
    void aPromptThatDoesNotFit() {
        try (BitNetModel small = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withContextLength(8));
             Session session = small.newSession()) {
            BitNetException e = assertThrows(BitNetException.class, () -> session.generate(new int[9], GREEDY));
            assertEquals("the prompt has 9 tokens but the context has room for 8; shorten it or raise the context length (-c)",
                    e.getMessage());
            assertEquals(0, session.position(), "a refused prompt leaves nothing behind");
            session.generate(new int[8], GREEDY);
        }
    }

    @Test
    void idsOutsideTheVocabulary() {
        try (Session session = model.newSession()) {
            for (int id : new int[] {-1, 2048, Integer.MAX_VALUE}) {
                BitNetException e = assertThrows(BitNetException.class, () -> session.generate(new int[] {1, id}, GREEDY));
                assertEquals("token id " + id + " is outside the vocabulary of 2048", e.getMessage());
            }
            assertEquals(0, session.position());
        }
    }

    @Test
    void nothingToContinue() {
        try (Session session = model.newSession()) {
            assertThrows(BitNetException.class, () -> session.generate(new int[0], GREEDY));
            assertDoesNotThrow(() -> session.generate("", GREEDY).text(), "BOS is enough");
        }
    }

    @Test
    void severalThreadsWithASessionEach() throws Exception {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            prompts.add(Arrays.copyOf(GOLDEN.nllIds(), 3 + 17 * i));
        }
        List<Callable<int[]>> tasks = prompts.stream().map(prompt -> (Callable<int[]>) () -> freshly(prompt)).toList();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<int[]>> together = threads.invokeAll(tasks);
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(freshly(prompts.get(i)), together.get(i).get());
            }
        }
    }

    @Test
    void aClosedSession() {
        Session session = model.newSession();
        Generation generation = session.generate(GOLDEN.promptIds(), GREEDY);
        generation.next();
        session.close();
        session.close();
        assertThrows(IllegalStateException.class, generation::hasNext);
        assertThrows(IllegalStateException.class, () -> session.generate(GOLDEN.promptIds(), GREEDY));
        assertThrows(IllegalStateException.class, () -> session.evaluate(GOLDEN.promptIds(), 0, (i, logits) -> {}));
        generation.close();
    }

    @Test
    void aClosedModel() {
        BitNetModel other = BitNetModel.open(Golden.MODEL);
        Session session = other.newSession();
        Generation generation = session.generate(GOLDEN.promptIds(), GREEDY);
        generation.next();
        other.close();
        other.close();
        assertThrows(IllegalStateException.class, generation::hasNext);
        assertThrows(IllegalStateException.class, other::newSession);
        assertThrows(IllegalStateException.class, () -> other.kernels().isa());
        generation.cancel();
        session.close();
    }
}
