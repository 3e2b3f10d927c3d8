package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logits are the same to the last bit however rows are batched, whoever computes, and on every CPU target. */
class SameBitsTest {
    /** Beyond one chunk of 256 positions, over which attention folds its softmax. */
    private static final int POSITIONS = 300;

    @TempDir
    private static Path folder;
    private static Path model;
    private static final int[] IDS = new Random(1).ints(POSITIONS, 0, 512).toArray();

    /** One thread, scalar, all positions in one pass. */
    private static final Map<KvPrecision, float[][]> PLAIN = new EnumMap<>(KvPrecision.class);

    @BeforeAll
    static void writeModel() throws IOException {
        model = folder.resolve("model.gguf");
        Synth.write(SynthSpec.builder().hidden(384).ffn(640).heads(6, 2, 64).build(), model);
        for (KvPrecision precision : KvPrecision.values()) {
            try (Engine engine = new Engine(model, 1, "scalar", precision)) {
                PLAIN.put(precision, engine.logits(IDS, POSITIONS));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 255})
    void prefillInChunks(int chunk) throws IOException {
        for (KvPrecision precision : KvPrecision.values()) {
            try (Engine engine = new Engine(model, precision)) {
                assertSame(PLAIN.get(precision), engine.logits(IDS, chunk));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void threads(int threads) throws IOException {
        for (KvPrecision precision : KvPrecision.values()) {
            try (Engine engine = new Engine(model, threads, "auto", precision)) {
                assertSame(PLAIN.get(precision), engine.logits(IDS, POSITIONS));
                assertSame(PLAIN.get(precision), engine.logits(IDS, 3));
            }
        }
    }

    static List<Arguments> isas() {
        return Cpu.isas().stream().filter(Cpu.Isa::supported).map(isa -> Arguments.of(isa.name())).toList();
    }

    @ParameterizedTest
    @MethodSource
    void isas(String isa) throws IOException {
        for (KvPrecision precision : KvPrecision.values()) {
            try (Engine engine = new Engine(model, 2, isa, precision)) {
                assertSame(PLAIN.get(precision), engine.logits(IDS, POSITIONS));
                assertSame(PLAIN.get(precision), engine.logits(IDS, 2));
            }
        }
    }

    /** The other shapes have other tails: head widths, rows and columns that fill no vector. */
    @ParameterizedTest
    @EnumSource
    void isasOnAllShapes(Shapes shape) throws IOException {
        Path path = shape.write(folder);
        int[] ids = shape.ids(20);
        for (KvPrecision precision : KvPrecision.values()) {
            float[][] expected;
            try (Engine scalar = new Engine(path, 1, "scalar", precision)) {
                expected = scalar.logits(ids, ids.length);
            }
            for (Cpu.Isa isa : Cpu.isas()) {
                if (isa.supported()) {
                    try (Engine engine = new Engine(path, 2, isa.name(), precision)) {
                        assertSame(expected, engine.logits(ids, 7));
                    }
                }
            }
        }
    }

    /** Sequences of different lengths in one batch: chunks of one's prefill between steps of the others. */
    @ParameterizedTest
    @EnumSource
    void mixedSequences(KvPrecision precision) throws IOException {
        List<int[]> sequences = new ArrayList<>();
        for (int s = 0; s < 5; s++) {
            sequences.add(new Random(s).ints(40 + 23 * s, 0, 512).toArray());
        }
        try (Engine engine = new Engine(model, precision)) {
            List<KvCache> caches = sequences.stream().map(ids -> engine.transformer.newCache()).toList();
            float[][][] logits = sequences.stream().map(ids -> new float[ids.length][]).toArray(float[][][]::new);
            int[] done = new int[sequences.size()];
            Random random = new Random(7);
            while (true) {
                List<Engine.Row> rows = new ArrayList<>();
                for (int s = 0; s < done.length; s++) {
                    int chunk = Math.min(random.nextInt(4) == 0 ? 17 : random.nextInt(2), sequences.get(s).length - done[s]);
                    rows.addAll(List.of(Engine.rows(caches.get(s), sequences.get(s), done[s], done[s] + chunk, logits[s])));
                    done[s] += chunk;
                }
                if (rows.isEmpty()) {
                    if (allDone(sequences, done)) {
                        break;
                    }
                    continue;
                }
                engine.pass(rows.toArray(Engine.Row[]::new));
            }
            for (int s = 0; s < done.length; s++) {
                assertSame(engine.logits(sequences.get(s), sequences.get(s).length), logits[s]);
            }
            caches.forEach(KvCache::close);
        }
    }

    private static boolean allDone(List<int[]> sequences, int[] done) {
        for (int s = 0; s < done.length; s++) {
            if (done[s] < sequences.get(s).length) {
                return false;
            }
        }
        return true;
    }

    private static void assertSame(float[][] expected, float[][] logits) {
        assertEquals(expected.length, logits.length);
        for (int i = 0; i < expected.length; i++) {
            assertArrayEquals(expected[i], logits[i], "position " + i);
        }
    }
}
