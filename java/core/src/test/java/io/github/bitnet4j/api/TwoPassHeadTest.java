package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.convert.TableEncoder;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The head in two passes chooses what the head chooses that computes every logit. */
class TwoPassHeadTest {
    private static final int TOKENS = 400;

    private static BitNetModel open(Path path, HeadMode head) {
        return BitNetModel.open(path, ModelOptions.DEFAULT.withThreads(2).withHead(head));
    }

    private static GenerationOptions options(SamplingOptions sampling) {
        return GenerationOptions.tokens(TOKENS).withSampling(sampling).withIgnoreStopIds(true);
    }

    /** Settings whose candidates are some of the tokens, with a seed each. */
    static Stream<SamplingOptions> samplings() {
        SamplingOptions seeded = SamplingOptions.DEFAULT.withSeed(1);
        return Stream.of(SamplingOptions.GREEDY.withSeed(1), seeded, seeded.withTopK(1), seeded.withTopK(100).withTopP(1).withTemperature(1.5f),
                seeded.withTopK(7).withMinP(0.05f), seeded.withRepetitionPenalty(1.3f),
                seeded.withTemperature(0).withRepetitionPenalty(1.3f).withPenaltyWindow(30),
                seeded.withFrequencyPenalty(-0.7f).withPresencePenalty(0.5f).withTopK(20), // makes repetition likelier
                seeded.withLogitBias(Map.of(5, Float.NEGATIVE_INFINITY, 300, 4f, 301, -2f, 302, 25f)).withTopK(3));
    }

    private static Generation run(Session session, SamplingOptions sampling) {
        session.rewind(0);
        Generation generation = session.generate(new int[] {1, 17, 40}, options(sampling));
        generation.text();
        return generation;
    }

    private static void same(Path path, SamplingOptions sampling) {
        try (BitNetModel exact = open(path, HeadMode.EXACT); Session exactly = exact.newSession();
                BitNetModel twoPass = open(path, HeadMode.TWO_PASS); Session coarsely = twoPass.newSession()) {
            Generation expected = run(exactly, sampling);
            Generation generation = run(coarsely, sampling);
            assertArrayEquals(expected.ids(), generation.ids(), sampling.toString());
            assertEquals(0, expected.headUse().twoPass());
            HeadUse use = generation.headUse();
            assertEquals(use.tokens(), use.twoPass(), "all tokens of " + sampling);
            assertTrue(use.logitsPerToken() < 0.6 * exact.info().vocabulary(), () -> use + " of " + sampling);
        }
    }

    @ParameterizedTest
    @MethodSource("samplings")
    void bundledModel(SamplingOptions sampling) {
        same(Golden.MODEL, sampling);
    }

    @Test
    void syntheticShapes(@TempDir Path folder) throws IOException {
        SynthSpec[] specs = {
            SynthSpec.builder().vocab(20_001).hidden(384).heads(6, 2, 64).layers(1).tied(false).build(),
            SynthSpec.builder().vocab(5_000).hidden(1280).heads(10, 5, 128).layers(1).build(),
            SynthSpec.builder().vocab(9_999).hidden(128).heads(2, 1, 64).layers(1).seed(3).build()};
        for (SynthSpec spec : specs) {
            Path path = folder.resolve(spec.vocab() + ".gguf");
            Synth.write(spec, path);
            same(path, SamplingOptions.GREEDY);
            same(path, SamplingOptions.DEFAULT.withSeed(2).withTemperature(2));
            same(path, SamplingOptions.DEFAULT.withSeed(3).withRepetitionPenalty(1.2f).withPresencePenalty(-1));
        }
    }

    /** A head may be quantised: its copy is made of the numbers that its codes stand for. */
    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"Q8_0", "Q6_K", "Q4_0"})
    void quantisedHeads(GgmlType type, @TempDir Path folder) throws IOException {
        Path path = folder.resolve("typed.gguf");
        try (GgufFile file = GgufFile.open(Golden.MODEL); Arena arena = Arena.ofShared()) {
            GgufTensor head = file.requireTensor("token_embd.weight");
            MemorySegment typed = arena.allocate(type.byteSize(head.dims()), 64);
            TableEncoder.of(type).encode(head.type(), head.data(), head.cols(), typed);
            new GgufEdit().tensor("output.weight", type, head.dims(), typed.toArray(ValueLayout.JAVA_BYTE)).write(Golden.MODEL, path);
        }
        same(path, SamplingOptions.GREEDY);
        same(path, SamplingOptions.DEFAULT.withSeed(7));
    }

    /** What needs every logit gets every logit, and says so. */
    @Test
    void everyLogitWhereTheSamplerNeedsIt() {
        try (BitNetModel model = open(Golden.MODEL, HeadMode.TWO_PASS); Session session = model.newSession();
                BitNetModel exact = open(Golden.MODEL, HeadMode.EXACT); Session exactly = exact.newSession()) {
            for (SamplingOptions sampling : new SamplingOptions[] {SamplingOptions.DEFAULT.withTopK(0).withSeed(4),
                    SamplingOptions.DEFAULT.withTopK(2048).withSeed(5), SamplingOptions.DEFAULT.withTopK(1000).withSeed(6)}) {
                Generation generation = run(session, sampling);
                assertArrayEquals(run(exactly, sampling).ids(), generation.ids());
                assertEquals(new HeadUse(TOKENS, 0, 0), generation.headUse());
            }
        }
    }

    /** Logits that a caller asks for are all of them. */
    @Test
    void evaluationsAreExact() {
        int[] ids = {1, 5, 9, 200, 17};
        float[][] logits = new float[2][];
        HeadMode[] modes = {HeadMode.EXACT, HeadMode.TWO_PASS};
        for (int i = 0; i < modes.length; i++) {
            int mode = i;
            try (BitNetModel model = open(Golden.MODEL, modes[i]); Session session = model.newSession()) {
                session.evaluate(ids, 4, (index, values) -> logits[mode] = values.clone());
                Generation after = session.generate(new int[0], options(SamplingOptions.GREEDY).withMaxTokens(1));
                after.text();
                assertEquals(new HeadUse(1, 0, 0), after.headUse(), "they serve the first token too");
            }
        }
        assertArrayEquals(logits[0], logits[1]);
    }

    /** Asked for the likeliest token after some that are given, one after the other. */
    @Test
    void theLikeliestToken() {
        int[] ids = {1, 5, 9, 200, 17, 60};
        for (HeadMode mode : List.of(HeadMode.EXACT, HeadMode.TWO_PASS)) {
            try (BitNetModel model = open(Golden.MODEL, mode); Session session = model.newSession(); Session other = model.newSession()) {
                assertThrows(IllegalArgumentException.class, () -> session.likeliest(new int[0]));
                for (int id : ids) {
                    int follows = session.likeliest(new int[] {id});
                    other.evaluate(new int[] {id}, 0, (index, logits) -> {
                        for (float logit : logits) {
                            assertTrue(logit <= logits[follows]);
                        }
                    });
                }
                assertArrayEquals(ids, session.ids());
                HeadUse use = session.headUse();
                assertEquals(ids.length, use.tokens());
                assertEquals(mode == HeadMode.TWO_PASS ? ids.length : 0, use.twoPass());
            }
        }
    }

    /** A copy of a head of 32 MiB pays, and then it is the default, unless rows are too long to have one. */
    @ParameterizedTest
    @CsvSource({"65535, 256, EXACT", "65536, 256, TWO_PASS", "2048, 8448, EXACT"})
    void largeHeadsAreReadInTwoPasses(int rows, int cols, HeadMode expected, @TempDir Path folder) throws IOException {
        Path path = folder.resolve("head.gguf");
        Synth.write(SynthSpec.builder().vocab(rows).hidden(cols).heads(2, 1, 64).layers(1).build(), path);
        try (BitNetModel model = BitNetModel.open(path); BitNetModel exact = open(path, HeadMode.EXACT)) {
            assertEquals(expected, model.head());
            assertEquals(HeadMode.EXACT, exact.head());
        }
    }

    @Test
    void infoCountsTheCoarseCopy() {
        try (BitNetModel exact = open(Golden.MODEL, HeadMode.EXACT); BitNetModel twoPass = open(Golden.MODEL, HeadMode.TWO_PASS)) {
            assertEquals(2048 * 256 * 2, exact.info().headBytes());
            assertEquals(2048 / 16 * (128 + 256 * 6) + 64, twoPass.info().headBytes());
            assertEquals(exact.info().decodeBytes() - exact.info().headBytes(),
                    twoPass.info().decodeBytes() - twoPass.info().headBytes());
        }
    }
}
