package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.draft.Drafter;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** With drafts, right and wrong ones, everything is as without: tokens, pieces of text, ends, and what the session holds. */
class SpeculationTest {
    private static final Golden GOLDEN = Golden.read();
    private static final int TOKENS = 64;
    private static final SamplingOptions SEEDED = SamplingOptions.DEFAULT.withSeed(1);
    private static BitNetModel model;

    @BeforeAll
    static void open() {
        model = BitNetModel.open(Golden.MODEL);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Guesses the text that a generation without drafts made, with a mistake wherever a hash of the position says so. */
    private record Oracle(int[] text, int mistakeEvery) implements Draft {
        @Override
        public int most() {
            return 7;
        }

        @Override
        public Drafter newDrafter() {
            return new Drafter() {
                private int size;

                @Override
                public void accept(int id) {
                    size++;
                }

                @Override
                public int draft(int[] guesses, float[] chances) {
                    Arrays.fill(chances, 1);
                    int count = Math.min(new Random(size).nextInt(guesses.length + 1), text.length - size);
                    for (int i = 0; i < count; i++) {
                        boolean mistake = new Random(31L * size + i).nextInt(mistakeEvery) == 0;
                        guesses[i] = mistake ? (text[size + i] + 1) % 300 : text[size + i];
                    }
                    return Math.max(0, count);
                }
            };
        }
    }

    /** All that a generation shows, and what it left in the session. */
    private record Outcome(List<GeneratedToken> tokens, String text, List<Integer> ids, FinishReason reason,
                           List<Integer> session) {
        static Outcome of(Generation generation, Session session) {
            List<GeneratedToken> tokens = generation.stream().toList();
            return new Outcome(tokens, generation.text(), list(generation.ids()), generation.finishReason().orElseThrow(),
                    list(session.ids()));
        }
    }

    private static Outcome run(Session session, int[] prompt, GenerationOptions options) {
        return Outcome.of(session.generate(prompt, options), session);
    }

    private static List<Integer> list(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    /** A session for which every draft is worth while. */
    private static Session eager(BitNetModel model) {
        Session session = model.newSession();
        for (int rows = 2; rows <= Draft.LIMIT + 1; rows++) {
            session.passTimes().passed(rows, 1);
        }
        return session;
    }

    /** Two generations, one after the other. @return how many guesses were right */
    private static long same(BitNetModel model, int[] prompt, GenerationOptions options) {
        int[] more = {1, 2};
        GenerationOptions few = options.withMaxTokens(Math.min(8, options.maxTokens()));
        long accepted = 0;
        try (Session plain = model.newSession()) {
            Outcome expected = run(plain, prompt, options);
            Outcome expectedMore = run(plain, more, few);
            int[] text = plain.ids();
            List<Draft> drafts = List.of(Draft.LOOKUP, new Draft.Lookup(Draft.LIMIT), new Oracle(text, Integer.MAX_VALUE),
                    new Oracle(text, 4));
            for (Draft draft : drafts) {
                try (Session session = eager(model)) {
                    Generation generation = session.generate(prompt, options.withDraft(draft));
                    assertEquals(expected, Outcome.of(generation, session), draft + " with " + options);
                    assertEquals(expectedMore, run(session, more, few.withDraft(draft)), "more by " + draft + " with " + options);
                    accepted += generation.draftUse().accepted();
                }
            }
        }
        return accepted;
    }

    private static int[] random(int seed, int vocabulary) {
        return new Random(seed).ints(1 + new Random(seed).nextInt(40), 0, vocabulary).toArray();
    }

    private static GenerationOptions options(SamplingOptions sampling) {
        return GenerationOptions.tokens(TOKENS).withSampling(sampling);
    }

    @ParameterizedTest
    @EnumSource(value = HeadMode.class, names = {"EXACT", "TWO_PASS"})
    void everyWayOfSampling(HeadMode head) {
        List<SamplingOptions> samplings = List.of(SamplingOptions.GREEDY.withSeed(1), SEEDED, SEEDED.withTopK(0),
                SEEDED.withTemperature(1.5f).withTopP(1), SEEDED.withMinP(0.1f), SEEDED.withRepetitionPenalty(1.3f),
                SEEDED.withTemperature(0).withRepetitionPenalty(1.2f).withPenaltyWindow(9),
                SEEDED.withFrequencyPenalty(-0.8f).withPresencePenalty(0.3f).withTopK(3),
                SEEDED.withLogitBias(Map.of(5, Float.NEGATIVE_INFINITY, 300, 4f)).withTopK(5));
        try (BitNetModel opened = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withThreads(2).withHead(head))) {
            for (SamplingOptions sampling : samplings) {
                same(opened, GOLDEN.promptIds(), options(sampling));
            }
        }
    }

    @Test
    void manyPromptsAndSeeds() {
        long accepted = 0;
        for (int seed = 0; seed < 8; seed++) {
            accepted += same(model, random(seed, 2045), options(seed % 3 == 0 ? SamplingOptions.GREEDY : SEEDED.withSeed(seed)));
        }
        assertTrue(accepted > 600, accepted + " right guesses test little");
    }

    @Test
    void otherModels(@TempDir Path folder) throws IOException {
        SynthSpec[] specs = {
            SynthSpec.builder().vocab(20_001).hidden(256).heads(4, 2, 64).layers(1).tied(false).build(),
            SynthSpec.builder().architecture("bitnet").vocab(999).hidden(128).ffn(256).heads(1, 1, 128).layers(1).build(),
            SynthSpec.builder().architecture("llama").vocab(700).hidden(384).heads(6, 2, 64).layers(3).build()};
        for (SynthSpec spec : specs) {
            Path path = folder.resolve(spec.vocab() + ".gguf");
            Synth.write(spec, path);
            for (HeadMode head : List.of(HeadMode.EXACT, HeadMode.TWO_PASS)) {
                ModelOptions opening = ModelOptions.DEFAULT.withThreads(2).withHead(head).withContextLength(256);
                try (BitNetModel other = BitNetModel.open(path, opening)) {
                    same(other, random(spec.vocab(), spec.vocab()), options(SamplingOptions.GREEDY).withIgnoreStopIds(true));
                    same(other, random(1, spec.vocab()), options(SEEDED).withIgnoreStopIds(true));
                    for (float likelier : new float[] {1, 3}) { // so that the logit of a guess counts in the next row
                        SamplingOptions sampling = SEEDED.withTopK(3).withPresencePenalty(-likelier).withPenaltyWindow(1);
                        same(other, random(2, spec.vocab()), options(sampling).withIgnoreStopIds(true));
                    }
                }
            }
        }
    }

    /** A stop string or stop id at every place of the text, so that it also ends within a draft and before its rest. */
    @Test
    void endsWithinADraft() {
        int[] greedy = GOLDEN.greedyIds();
        String text = model.tokenizer().decode(greedy);
        GenerationOptions options = options(SamplingOptions.GREEDY);
        for (int at = 0; at < 40; at += 5) {
            same(model, GOLDEN.promptIds(), options.withStop(List.of(text.substring(2 * at, 2 * at + 5))));
            same(model, GOLDEN.promptIds(), options.withStopIds(Set.of(greedy[at])));
            same(model, GOLDEN.promptIds(), options.withMaxTokens(at));
        }
    }

    @Test
    void theContextEndsWithinADraft() {
        for (int positions = 6; positions < 40; positions++) {
            ModelOptions opening = ModelOptions.DEFAULT.withThreads(2).withContextLength(positions);
            try (BitNetModel small = BitNetModel.open(Golden.MODEL, opening)) {
                try (Session plain = small.newSession()) {
                    Outcome expected = run(plain, GOLDEN.promptIds(), options(SamplingOptions.GREEDY));
                    assertEquals(FinishReason.CONTEXT_FULL, expected.reason);
                    int[] oracle = Arrays.copyOf(plain.ids(), positions + 20);
                    for (Draft draft : List.of(new Oracle(oracle, Integer.MAX_VALUE), new Oracle(oracle, 3), Draft.LOOKUP)) {
                        try (Session session = eager(small)) {
                            assertEquals(expected, run(session, GOLDEN.promptIds(), options(SamplingOptions.GREEDY).withDraft(draft)));
                        }
                    }
                }
            }
        }
    }

    /** A pass has as many rows as a batch. */
    @Test
    void smallBatches() {
        for (int batch = 1; batch < 5; batch++) {
            try (BitNetModel small = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withThreads(2).withBatchSize(batch))) {
                same(small, GOLDEN.promptIds(), options(SEEDED));
            }
        }
    }

    @Test
    void aRightDraftSavesPasses() {
        try (Session plain = model.newSession(); Session session = eager(model)) {
            run(plain, GOLDEN.promptIds(), options(SamplingOptions.GREEDY));
            Oracle oracle = new Oracle(plain.ids(), Integer.MAX_VALUE);
            Generation generation = session.generate(GOLDEN.promptIds(), options(SamplingOptions.GREEDY).withDraft(oracle));
            generation.text();
            DraftUse use = generation.draftUse();
            assertEquals(use.drafted(), use.accepted());
            assertEquals(TOKENS, use.passes() + use.accepted());
            assertTrue(use.tokensPerPass() > 3, use.toString());
            assertEquals(TOKENS, generation.timings().generatedTokens());
            assertEquals(GOLDEN.promptIds().length, generation.timings().promptTokens());
        }
    }

    /** Nothing that was computed ahead is given after a cancellation. */
    @Test
    void cancelledBetweenTokensOfADraft() {
        try (Session plain = model.newSession()) {
            run(plain, GOLDEN.promptIds(), options(SamplingOptions.GREEDY));
            int[] text = plain.ids();
            for (int after = 1; after < 30; after++) {
                try (Session session = eager(model)) {
                    GenerationOptions options = options(SamplingOptions.GREEDY).withDraft(new Oracle(text, 9));
                    Generation generation = session.generate(GOLDEN.promptIds(), options);
                    for (int i = 0; i < after; i++) {
                        generation.next();
                    }
                    generation.cancel();
                    assertFalse(generation.hasNext());
                    assertEquals(Optional.of(FinishReason.CANCELLED), generation.finishReason());
                    assertArrayEquals(Arrays.copyOf(text, GOLDEN.promptIds().length + after), session.ids());
                    Generation rest = session.generate(new int[0], options.withMaxTokens(TOKENS - after));
                    rest.text();
                    assertArrayEquals(text, session.ids());
                }
            }
        }
    }

    /**
     * Whatever happens to the session between two tokens of a draft, the next token is that of a session without drafts: it
     * was rewound, something was evaluated, or another generation, which samples in another way, took its turn.
     */
    @Test
    void theSessionIsUsedBetweenTokensOfADraft() {
        for (HeadMode head : HeadMode.values()) {
            ModelOptions opening = ModelOptions.DEFAULT.withThreads(2).withHead(head);
            try (BitNetModel opened = BitNetModel.open(Golden.MODEL, opening); Session plain = opened.newSession()) {
                run(plain, GOLDEN.promptIds(), options(SamplingOptions.GREEDY));
                Draft oracle = new Oracle(plain.ids(), 9);
                for (int seed = 0; seed < 8; seed++) {
                    try (Session session = opened.newSession(); Session drafting = eager(opened)) {
                        assertEquals(disturbed(session, seed, Draft.NONE), disturbed(drafting, seed, oracle), "seed " + seed);
                    }
                }
            }
        }
    }

    private static List<Integer> disturbed(Session session, int seed, Draft draft) {
        Random random = new Random(seed);
        List<Integer> ids = new ArrayList<>();
        Generation first = session.generate(GOLDEN.promptIds(), options(SamplingOptions.GREEDY).withDraft(draft));
        SamplingOptions other = SEEDED.withTopK(100).withTopP(1).withTemperature(2);
        Generation second = session.generate(new int[0], options(other).withDraft(draft));
        for (int i = 0; i < 60; i++) {
            switch (random.nextInt(8)) {
                case 0 -> session.rewind(session.position() - random.nextInt(2));
                case 1 -> session.evaluate(new int[] {random.nextInt(2000)}, random.nextInt(2), (index, logits) -> {});
                case 2 -> ids.add(second.next().id());
                case 3 -> ids.add(session.likeliest(random.ints(1 + random.nextInt(3), 0, 2000).toArray()));
                default -> ids.add(first.next().id());
            }
        }
        ids.addAll(list(session.ids()));
        return ids;
    }
}
