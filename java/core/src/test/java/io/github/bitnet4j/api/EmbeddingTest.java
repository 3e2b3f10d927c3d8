package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.CancelledException;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.ModelConfig;
import io.github.bitnet4j.model.ReferenceModel;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthPreset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vectors of tiny random models in the layouts of the published ones for embeddings. */
class EmbeddingTest {
    private static final String QWEN3 = "tiny-qwen3";
    private static final String GEMMA3 = "tiny-gemma3";
    private static final List<String> TEXTS = List.of("query: What is BitNet?", "", "A ternary weight is -1, 0 or 1.",
            "word ".repeat(60), "Ω", "the end");

    @TempDir
    private Path folder;

    private Path model(String preset) throws IOException {
        Path path = folder.resolve(preset + ".gguf");
        Synth.write(SynthPreset.byId(preset).orElseThrow().spec(), path);
        return path;
    }

    private static BitNetModel exact(Path path) {
        return BitNetModel.open(path, ModelOptions.DEFAULT.withKvPrecision(KvPrecision.F32));
    }

    /**
     * AgreementTest compares states number by number, of models in which no quantised value lies next to a half. Here some do,
     * which turns a vector by a hundredth at most; the other pooling's is another one altogether.
     */
    @ParameterizedTest
    @ValueSource(strings = {QWEN3, GEMMA3})
    void vectorsAreThoseOfTheFormulas(String preset) throws IOException {
        try (BitNetModel model = exact(model(preset)); GgufFile file = GgufFile.open(folder.resolve(preset + ".gguf"))) {
            for (Pooling pooling : Pooling.values()) {
                List<float[]> vectors = model.embedder(Optional.of(pooling)).embed(TEXTS);
                for (int t = 0; t < TEXTS.size(); t++) {
                    int[] ids = model.encodeWhole(TEXTS.get(t));
                    ReferenceModel.Sequence sequence = ReferenceModel.of(file).new Sequence();
                    double[] sum = new double[model.info().hidden()];
                    for (int i = 0; i < ids.length; i++) {
                        double[] state = sequence.next(ids[i]);
                        for (int k = 0; k < sum.length; k++) {
                            sum[k] = (pooling == Pooling.MEAN ? sum[k] : 0) + state[k];
                        }
                    }
                    double squares = 0;
                    double dot = 0;
                    for (int k = 0; k < sum.length; k++) {
                        squares += sum[k] * sum[k];
                        dot += sum[k] * vectors.get(t)[k];
                    }
                    assertEquals(1, dot / Math.sqrt(squares), 5e-5, pooling + ", text " + t);
                }
            }
        }
    }

    /** Whatever other texts, threads, passes and kernels a text meets. */
    @ParameterizedTest
    @ValueSource(strings = {QWEN3, GEMMA3})
    void everyWayGivesTheSameBits(String preset) throws IOException {
        Path path = model(preset);
        List<float[]> expected = new ArrayList<>();
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withIsa("scalar").withThreads(1))) {
            TEXTS.forEach(text -> expected.add(model.embed(List.of(text)).getFirst()));
        }
        for (Cpu.Isa isa : Cpu.isas()) {
            for (int rows : isa.supported() ? new int[] {1, 7, 64, 512} : new int[0]) {
                try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withIsa(isa.name()).withThreads(2)
                        .withBatchSize(rows))) {
                    List<float[]> vectors = model.embed(TEXTS);
                    for (int t = 0; t < TEXTS.size(); t++) {
                        assertArrayEquals(expected.get(t), vectors.get(t), isa.name() + ", " + rows + " rows, text " + t);
                    }
                }
            }
        }
    }

    @Test
    void aTextStandsBetweenTheTokensThatTheFileNames() throws IOException {
        try (BitNetModel model = exact(model(QWEN3))) {
            int[] ids = model.encodeWhole("the");
            assertEquals(model.tokenizer().bos().getAsInt(), ids[0]);
            assertEquals(model.tokenizer().eos().getAsInt(), ids[ids.length - 1]);
            assertArrayEquals(Arrays.copyOf(ids, ids.length - 1), model.encode("the"));
        }
        try (BitNetModel bundled = BitNetModel.open(Golden.MODEL)) {
            assertArrayEquals(bundled.encode("the"), bundled.encodeWhole("the"));
        }
    }

    @Test
    void theFileNamesThePooling() throws IOException {
        Path path = model(QWEN3);
        assertEquals(Pooling.MEAN, pooling(path));
        assertEquals(Pooling.LAST, pooling(new GgufEdit().u32("qwen3.pooling_type", 3).write(path, folder.resolve("last"))));
        assertEquals(Pooling.LAST, pooling(new GgufEdit().u32("qwen3.pooling_type", 0).write(path, folder.resolve("none"))));
        assertEquals(Pooling.LAST, pooling(new GgufEdit().drop("qwen3.pooling_type").write(path, folder.resolve("silent"))));
        Path first = new GgufEdit().u32("qwen3.pooling_type", 2).write(path, folder.resolve("first"));
        assertTrue(assertThrows(BitNetException.class, () -> pooling(first)).getMessage().contains("qwen3.pooling_type is 2; "));
    }

    private static Pooling pooling(Path path) {
        try (BitNetModel model = BitNetModel.open(path)) {
            return model.embedder(Optional.empty()).pooling();
        }
    }

    @Test
    void textsThatCannotBeAreRefusedBeforeAnythingIsComputed() throws IOException {
        Path path = model(QWEN3);
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withContextLength(16))) {
            assertTrue(assertThrows(BitNetException.class, () -> model.embed(List.of("x", "word ".repeat(60)))).getMessage()
                    .startsWith("text 2 has "));
            Embedder embedder = model.embedder(Optional.empty());
            assertTrue(assertThrows(BitNetException.class, () -> embedder.embed(List.of(new int[] {1}, new int[0]),
                    new Cancellation(), (index, vector) -> {
                        throw new AssertionError("text " + index);
                    })).getMessage().startsWith("text 2 has no tokens"));
            Cancellation cancelled = new Cancellation();
            cancelled.cancel();
            assertThrows(CancelledException.class, () -> embedder.embed(List.of(new int[] {1}), cancelled, (index, vector) -> {}));
        }
    }

    /** As sentence-transformers cuts texts: what stands around them counts, and stays. */
    @Test
    void aTextIsCutWhereTheFileSays() throws IOException {
        Path path = model(QWEN3);
        Path file = new GgufEdit().u32(ModelConfig.MOST_TOKENS_KEY, 8).write(path, folder.resolve("cut"));
        String text = "word ".repeat(60);
        try (BitNetModel all = BitNetModel.open(path); BitNetModel model = BitNetModel.open(file)) {
            int[] whole = model.encodeWhole(text);
            int[] expected = Arrays.copyOf(whole, 8);
            expected[7] = model.tokenizer().eos().getAsInt();
            Embedder embedder = model.embedder(Optional.empty());
            assertEquals(8, embedder.mostTokens());
            assertArrayEquals(expected, embedder.cut(whole));
            assertArrayEquals(Arrays.copyOf(whole, 8), embedder.cut(Arrays.copyOf(whole, 8)));
            all.embedder(Optional.empty()).embed(List.of(expected), new Cancellation(),
                    (index, vector) -> assertArrayEquals(vector, model.embed(List.of(text)).getFirst()));
            assertArrayEquals(whole, all.embedder(Optional.empty()).cut(whole));
        }
        Path noEnd = new GgufEdit().bool("tokenizer.ggml.add_eos_token", false).write(file, folder.resolve("no-end"));
        try (BitNetModel model = BitNetModel.open(noEnd)) {
            int[] whole = model.encodeWhole(text);
            assertArrayEquals(Arrays.copyOf(whole, 8), model.embedder(Optional.empty()).cut(whole));
        }
    }

    /** A norm of zeros makes every state 0. */
    @Test
    void aVectorWithoutADirectionIsRefused() throws IOException {
        Path path = model(QWEN3);
        Path flat = new GgufEdit().tensor("output_norm.weight", GgmlType.F32, new long[] {256}, new byte[256 * Float.BYTES])
                .write(path, folder.resolve("flat"));
        try (BitNetModel model = BitNetModel.open(flat)) {
            String message = assertThrows(BitNetException.class, () -> model.embed(List.of("the end"))).getMessage();
            assertEquals("text 1 has no direction: its numbers are all 0, or not finite; 'bitnet inspect --check' finds what is wrong "
                    + "with the file", message);
        }
    }

    @Test
    void aModelForEmbeddingsHasNoSessions() throws IOException {
        try (BitNetModel model = BitNetModel.open(model(GEMMA3))) {
            assertFalse(model.info().generates());
            assertEquals(0, model.info().headBytes());
            assertTrue(assertThrows(BitNetException.class, model::newSession).getMessage().contains("'bitnet embed'"));
        }
    }

    /** Vectors of a model that generates are of length 1 too, and those of different texts differ. */
    @Test
    void anyModelGivesVectors() {
        try (BitNetModel model = BitNetModel.open(Golden.MODEL)) {
            List<float[]> vectors = model.embed(List.of("ROMEO:", "JULIET:"));
            double length = 0;
            for (float number : vectors.getFirst()) {
                length += (double) number * number;
            }
            assertEquals(1, length, 1e-6);
            assertNotEquals(Arrays.hashCode(vectors.get(0)), Arrays.hashCode(vectors.get(1)));
        }
    }

    /** Layers of which it is not known that they see a window, and tokens that see what follows, would be computed wrongly. */
    @Test
    void otherKindsOfAttentionAreRefused() throws IOException {
        Path path = model(GEMMA3);
        Path pattern = new GgufEdit().u32("gemma3.attention.sliding_window", 512)
                .bools("gemma3.attention.sliding_window_pattern", List.of(true)).write(path, folder.resolve("pattern"));
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(pattern)).getMessage()
                .contains("gemma3.attention.sliding_window_pattern: 1 values of type BOOL; it must be one truth value for each of the 2"));
        Path theta = new GgufEdit().u32("gemma3.attention.sliding_window", 512).f32("gemma3.rope.freq_base_swa", -1)
                .write(path, folder.resolve("theta"));
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(theta)).getMessage()
                .contains("gemma3.rope.freq_base_swa: -1.0 is not a positive number"));
        Path causal = new GgufEdit().bool("gemma3.attention.causal", false).write(path, folder.resolve("causal"));
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(causal)).getMessage()
                .contains("gemma3.attention.causal: attention to what follows cannot run"));
        Path values = new GgufEdit().u32("gemma3.attention.value_length", 128).write(path, folder.resolve("values"));
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(values)).getMessage()
                .contains("gemma3.attention.value_length: values are not as wide as keys"));
        Path norm = new GgufEdit().drop("blk.1.ffn_up_norm_in.weight").write(path, folder.resolve("norm"));
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(norm)).getMessage()
                .contains("tensor blk.1.ffn_up_norm_in.weight is missing"));
    }

    /** Within a window, every kind of layer sees all of a text; beyond it, only Gemma's are known. */
    @Test
    void theWindowOfAnotherArchitectureBoundsItsContext() throws IOException {
        Path path = model(QWEN3);
        Path window = new GgufEdit().u32("qwen3.attention.sliding_window", 40).write(path, folder.resolve("window"));
        String text = "It has few tokens.";
        try (BitNetModel all = BitNetModel.open(path); BitNetModel model = BitNetModel.open(window)) {
            assertEquals(40, model.contextLength());
            assertArrayEquals(all.embed(List.of(text)).getFirst(), model.embed(List.of(text)).getFirst());
            assertTrue(assertThrows(BitNetException.class, () -> model.embed(List.of("word ".repeat(60)))).getMessage()
                    .contains("but the context has room for 40"));
        }
        assertTrue(assertThrows(BitNetException.class, () -> BitNetModel.open(window, ModelOptions.DEFAULT.withContextLength(41)))
                .getMessage().startsWith("a context of 41 positions is more than the 40 up to which "));
        Path none = new GgufEdit().u32("qwen3.attention.sliding_window", 0).write(path, folder.resolve("none"));
        try (BitNetModel model = BitNetModel.open(none)) {
            assertTrue(model.contextLength() > 40);
        }
    }

    @Test
    void manyTextsOfManyLengths() throws IOException {
        Random random = new Random(3);
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            texts.add(random.ints(1 + random.nextInt(90), 0, 512).toArray());
        }
        try (BitNetModel model = BitNetModel.open(model(QWEN3), ModelOptions.DEFAULT.withBatchSize(32))) {
            Embedder embedder = model.embedder(Optional.empty());
            List<float[]> together = new ArrayList<>();
            embedder.embed(texts, new Cancellation(), (index, vector) -> {
                assertEquals(together.size(), index);
                together.add(vector);
            });
            for (int i : new int[] {0, 17, 49}) {
                embedder.embed(texts.subList(i, i + 1), new Cancellation(),
                        (index, vector) -> assertArrayEquals(together.get(i), vector));
            }
        }
    }
}
