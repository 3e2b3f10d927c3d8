package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A well-formed GGUF that is no model that can run gives one sentence that names the file, the place and the problem. */
class WrongFilesTest {
    private static final String QUERY = "blk.1.attn_q.weight";

    @TempDir
    private static Path folder;
    private static Path good;

    @BeforeAll
    static void write() throws IOException {
        good = folder.resolve("good.gguf");
        Synth.write(SynthSpec.builder().build(), good);
    }

    private static void assertRefused(GgufEdit edit, String... words) throws IOException {
        Path bad = edit.write(good, folder.resolve("bad.gguf"));
        assertRefused(bad, words);
    }

    private static void assertRefused(Path path, String... words) {
        String message = assertThrows(BitNetException.class, () -> BitNetModel.open(path)).getMessage();
        assertTrue(message.contains(path.getFileName().toString()), message);
        for (String word : words) {
            assertTrue(message.contains(word), "'" + word + "' is not in: " + message);
        }
        assertFalse(message.contains("\n"), message);
        assertFalse(message.contains("Exception"), message);
    }

    @Test
    void aGoodFileOpens() throws IOException {
        try (BitNetModel model = BitNetModel.open(new GgufEdit().write(good, folder.resolve("copy.gguf")))) {
            assertEquals("bitnet-b1.58", model.info().architecture());
        }
    }

    @Test
    void noSuchFile() {
        assertRefused(folder.resolve("missing.gguf"), "no such file");
    }

    @Test
    void aFolder() {
        assertRefused(folder, "not a regular file");
    }

    @Test
    void noGguf() throws IOException {
        assertRefused(Files.writeString(folder.resolve("text.gguf"), "Once upon a time there was"), "not a GGUF file");
    }

    @Test
    void architecture() throws IOException {
        assertRefused(new GgufEdit().drop("general.architecture"), "general.architecture", "missing");
        assertRefused(new GgufEdit().string("general.architecture", "mamba"), "'mamba'", "bitnet-b1.58");
        assertRefused(new GgufEdit().u32("general.architecture", 3), "general.architecture", "string");
    }

    @Test
    void missingAndSenselessKeys() throws IOException {
        for (String key : new String[] {"embedding_length", "block_count", "feed_forward_length", "attention.head_count",
            "context_length"}) {
            String name = "bitnet-b1.58." + key;
            assertRefused(new GgufEdit().drop(name), name, "missing");
            assertRefused(new GgufEdit().u32(name, 0), name, "0 is not between");
            assertRefused(new GgufEdit().u32(name, 0xffffffffL), name, "4294967295 is not between");
            assertRefused(new GgufEdit().string(name, "many"), name, "integer");
        }
        assertRefused(new GgufEdit().f32("bitnet-b1.58.rope.freq_base", Float.NaN), "rope.freq_base", "NaN");
        assertRefused(new GgufEdit().f32("bitnet-b1.58.rope.freq_base", 0), "rope.freq_base");
        assertRefused(new GgufEdit().f32("bitnet-b1.58.attention.layer_norm_rms_epsilon", Float.NaN), "rms_epsilon", "NaN");
        assertRefused(new GgufEdit().f32("bitnet-b1.58.attention.layer_norm_rms_epsilon", -1), "rms_epsilon");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.rope.dimension_count", 63), "rope.dimension_count", "63");
        assertRefused(new GgufEdit().string("bitnet-b1.58.rope.scaling.type", "yarn"), "rope.scaling.type", "'yarn'", "linear");
        assertRefused(new GgufEdit().string("bitnet-b1.58.rope.scaling.type", "linear")
                .f32("bitnet-b1.58.rope.scaling.factor", 0), "rope.scaling.factor", "0.0");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.rope.dimension_count", 66), "rope.dimension_count", "66");
    }

    /** 2^24 positions of 32 layers' worth of keys and values are more than any machine has; the file itself may say so. */
    @Test
    void aContextThatNoMemoryHolds() throws IOException {
        Path path = new GgufEdit().u32("bitnet-b1.58.context_length", 1 << 24).write(good, folder.resolve("long.gguf"));
        ModelOptions exact = ModelOptions.DEFAULT.withKvPrecision(KvPrecision.F32);
        String message = assertThrows(BitNetException.class, () -> {
            try (BitNetModel model = BitNetModel.open(path, exact)) {
                List<Session> sessions = new ArrayList<>();
                try {
                    for (int i = 0; i < 1 << 16; i++) { // each 32 GiB of addresses, none of them touched
                        sessions.add(model.newSession());
                    }
                } finally {
                    sessions.forEach(Session::close);
                }
            }
        }).getMessage();
        assertTrue(message.contains("MiB of memory"), message);
        assertTrue(message.contains("-c"), message);
    }

    @Test
    void headsThatDoNotDivide() throws IOException {
        assertRefused(new GgufEdit().u32("bitnet-b1.58.attention.head_count_kv", 3), "head_count_kv", "3 does not divide");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.attention.head_count", 3).u32("bitnet-b1.58.attention.head_count_kv", 3),
                "attention.head_count", "3 heads do not divide the width of 256");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.attention.key_length", 6), "key_length", "6");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.attention.head_count", 1000).u32(
                "bitnet-b1.58.attention.head_count_kv", 1000), "1000");
    }

    @Test
    void missingTensors() throws IOException {
        for (String name : new String[] {"token_embd.weight", "output_norm.weight", QUERY, "blk.0.attn_norm.weight",
            "blk.0.attn_sub_norm.weight", "blk.1.ffn_sub_norm.weight", "blk.1.ffn_down.weight"}) {
            assertRefused(new GgufEdit().drop(name), name);
        }
        assertRefused(new GgufEdit().u32("bitnet-b1.58.block_count", 3), "blk.2.");
    }

    @Test
    void tensorsOfAnotherShapeOrType() throws IOException {
        byte[] query = GgufEdit.bytes(good, QUERY);
        assertRefused(new GgufEdit().tensor(QUERY, GgmlType.I2_S, new long[] {128, 512}, query), QUERY, "[128, 512]",
                "[256, 256]");
        assertRefused(new GgufEdit().tensor(QUERY, GgmlType.I2_S, new long[] {256, 128, 2}, query), QUERY, "[256, 128, 2]");
        assertRefused(new GgufEdit().tensor(QUERY, GgmlType.F16, new long[] {256, 256}, new byte[256 * 256 * 2]), QUERY, "F16",
                "I2_S");
        assertRefused(new GgufEdit().tensor(QUERY, GgmlType.IQ2_S, new long[] {256, 256}, new byte[256 * 82]), QUERY, "IQ2_S");
        assertRefused(new GgufEdit().tensor("output_norm.weight", GgmlType.Q8_0, new long[] {256}, new byte[256 / 32 * 34]),
                "output_norm.weight", "Q8_0", "F32, F16, BF16");
        assertRefused(new GgufEdit().tensor("output.weight", GgmlType.F16, new long[] {256, 511}, new byte[256 * 511 * 2]),
                "output.weight", "[256, 511]", "[256, 512]");
        assertRefused(new GgufEdit().u32("bitnet-b1.58.embedding_length", 512), "512");
    }

    @Test
    void aScaleThatIsNoNumber() throws IOException {
        for (float scale : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 0, -0.5f}) {
            byte[] query = GgufEdit.bytes(good, QUERY);
            ByteBuffer.wrap(query).order(ByteOrder.LITTLE_ENDIAN).putFloat(256 * 256 / 4, scale);
            assertRefused(new GgufEdit().tensor(QUERY, GgmlType.I2_S, new long[] {256, 256}, query), QUERY, "scale",
                    String.valueOf(scale));
        }
    }

    @Test
    void vocabularies() throws IOException {
        assertRefused(new GgufEdit().drop("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens", "missing");
        assertRefused(new GgufEdit().string("tokenizer.ggml.model", "wordpiece"), "wordpiece");
        assertRefused(new GgufEdit().string("tokenizer.ggml.pre", "unheard-of"), "unheard-of", "llama-bpe", "qwen2");
        assertRefused(new GgufEdit().drop("tokenizer.ggml.bos_token_id"), "tokenizer.ggml.pre is missing", "llama-bpe", "qwen2");
        assertRefused(new GgufEdit().string("tokenizer.ggml.model", "llama").drop("tokenizer.ggml.merges"), "'\u2581'");
        assertRefused(new GgufEdit().f32("tokenizer.ggml.scores", 1), "tokenizer.ggml.scores", "array");
        assertRefused(new GgufEdit().u32("tokenizer.ggml.bos_token_id", 512), "bos_token_id", "512");
        assertRefused(new GgufEdit().string("tokenizer.ggml.tokens", "a b c"), "tokenizer.ggml.tokens", "array");
    }

    @Test
    void normsThatAreNoNumbers() throws IOException {
        for (float wrong : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            float[] norm = new float[256];
            norm[200] = wrong;
            assertRefused(new GgufEdit().tensor("blk.1.ffn_norm.weight", GgmlType.F32, new long[] {256}, GgufEdit.floats(norm)),
                    "blk.1.ffn_norm.weight", wrong + " as number 200");
        }
    }

    /** A table is not read as a whole when it is opened: what comes of it is found when a token is to be chosen. */
    @Test
    void logitsThatAreNoNumbers() throws IOException {
        byte[] nan = new byte[256 * 512 * 2];
        Arrays.fill(nan, (byte) 0x7F);
        Path path = new GgufEdit().tensor("token_embd.weight", GgmlType.F16, new long[] {256, 512}, nan)
                .write(good, folder.resolve("nan.gguf"));
        for (float temperature : new float[] {0, 1}) {
            try (BitNetModel model = BitNetModel.open(path); Session session = model.newSession()) {
                Generation generation = session.generate("a", GenerationOptions.tokens(4).withSampling(
                        SamplingOptions.GREEDY.withTemperature(temperature)));
                String message = assertThrows(BitNetException.class, generation::hasNext).getMessage();
                assertTrue(message.contains("NaN"), message);
            }
        }
    }
}
