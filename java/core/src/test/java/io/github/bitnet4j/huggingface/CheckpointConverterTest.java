package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.convert.TableEncoder;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.TernaryTensor;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints of every published form become the GGUF file they were made from. */
class CheckpointConverterTest {
    @TempDir
    private Path folder;

    private GgufFile model(String architecture) throws IOException {
        Path path = folder.resolve(architecture + ".gguf");
        Synth.write(SynthSpec.builder().architecture(architecture).hidden(256).ffn(384).heads(4, 2, 64).layers(2)
                .tied(!architecture.equals("llama")).build(), path);
        return GgufFile.open(path);
    }

    private GgufFile convert(CheckpointFolder checkpoint, int shards) throws IOException {
        Path source = folder.resolve("checkpoint-" + System.nanoTime());
        checkpoint.write(source, shards);
        Path target = folder.resolve(source.getFileName() + ".gguf");
        CheckpointConverter.convert(source, target, TargetFormats.PLAIN, (written, total) -> {});
        return GgufFile.open(target);
    }

    static List<Arguments> packed() {
        List<Arguments> cases = new ArrayList<>();
        for (String architecture : List.of("bitnet-b1.58", "bitnet", "llama")) {
            cases.add(Arguments.of(architecture, CheckpointFolder.Form.PACKED_MULTIPLIED, 1));
            cases.add(Arguments.of(architecture, CheckpointFolder.Form.PACKED_DIVIDED, 3));
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource
    void packed(String architecture, CheckpointFolder.Form form, int shards) throws IOException {
        try (GgufFile original = model(architecture); GgufFile converted = convert(new CheckpointFolder(original, form), shards)) {
            assertEquals(original.tensors().size(), converted.tensors().size());
            for (GgufTensor expected : original.tensors()) {
                GgufTensor actual = converted.requireTensor(expected.name());
                assertEquals(expected.type(), actual.type());
                assertArrayEquals(expected.dims(), actual.dims());
                long exact = expected.type() == GgmlType.I2_S ? expected.elements() / 4 : expected.data().byteSize();
                assertEquals(-1, expected.data().asSlice(0, exact).mismatch(actual.data().asSlice(0, exact)), expected.name());
                if (expected.type() == GgmlType.I2_S) {
                    float scale = expected.data().get(ValueLayout.JAVA_FLOAT, exact);
                    float wanted = form == CheckpointFolder.Form.PACKED_DIVIDED ? 1 / (1 / scale) : scale;
                    assertEquals(wanted, actual.data().get(ValueLayout.JAVA_FLOAT, exact), expected.name());
                }
            }
            for (String key : List.of("tokens", "token_type", "merges", "bos_token_id", "eos_token_id", "add_bos_token")) {
                String name = "tokenizer.ggml." + key;
                assertEquals(text(original, name), text(converted, name), name);
            }
            for (String key : List.of("embedding_length", "feed_forward_length", "block_count", "attention.head_count",
                    "attention.head_count_kv", "context_length", "rope.freq_base", "attention.layer_norm_rms_epsilon")) {
                assertEquals(text(original, architecture + "." + key), text(converted, architecture + "." + key), key);
            }
        }
    }

    /** A checkpoint, packed or not, in every format and from there back to I2_S: what it is as I2_S at once. */
    @ParameterizedTest
    @EnumSource(value = CheckpointFolder.Form.class)
    void everyFormat(CheckpointFolder.Form form) throws IOException {
        Path source = folder.resolve("checkpoint");
        Path plain = folder.resolve("plain.gguf");
        Path original = folder.resolve("original.gguf");
        Synth.write(SynthSpec.builder().hidden(256).ffn(512).heads(4, 2, 64).layers(1).build(), original);
        try (GgufFile file = GgufFile.open(original)) {
            new CheckpointFolder(file, form).write(source, 2);
        }
        CheckpointConverter.convert(source, plain, TargetFormats.PLAIN, (written, total) -> {});
        for (GgmlType type : TernaryTensor.PUBLISHED) {
            Path there = folder.resolve(type + ".gguf");
            Path back = folder.resolve(type + "-back.gguf");
            CheckpointConverter.convert(source, there, TargetFormats.of(type), (written, total) -> {});
            try (GgufFile file = GgufFile.open(there)) {
                assertEquals(type, file.requireTensor("blk.0.attn_q.weight").type());
                GgufConverter.write(file, back, TargetFormats.PLAIN, I2sOrder.BLOCKS_128, (written, total) -> {});
            }
            assertEquals(-1, Files.mismatch(plain, back), type.toString());
        }
    }

    @Test
    void aTrainedWeightThatIsNoNumber() throws IOException {
        try (GgufFile original = model("bitnet-b1.58")) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.MASTER);
            checkpoint.tensors.put("model.layers.1.self_attn.v_proj.weight",
                    new CheckpointFolder.Tensor("BF16", new long[] {128, 256}, nan(128 * 256)));
            refuses("v_proj.weight holds a NaN or an infinity", checkpoint, path -> {});
        }
    }

    /** A head of another type is made from the numbers of the checkpoint, before they are halves. */
    @Test
    void head() throws IOException {
        Path source = folder.resolve("checkpoint");
        Path target = folder.resolve("head.gguf");
        try (GgufFile original = model("bitnet-b1.58")) {
            new CheckpointFolder(original, CheckpointFolder.Form.MASTER).write(source, 1);
            CheckpointConverter.convert(source, target, new TargetFormats(GgmlType.TL1, TlTiles.UNKNOWN, Optional.of(GgmlType.Q6_K)),
                    (written, total) -> {});
            try (GgufFile converted = GgufFile.open(target)) {
                GgufTensor embedding = original.requireTensor("token_embd.weight");
                MemorySegment expected = MemorySegment.ofArray(new byte[(int) GgmlType.Q6_K.byteSize(embedding.dims())]);
                TableEncoder.Q6_K.encode(GgmlType.F16, embedding.data(), embedding.cols(), expected);
                assertEquals(-1, expected.mismatch(converted.requireTensor("output.weight").data()));
                assertEquals(-1, embedding.data().mismatch(converted.requireTensor("token_embd.weight").data()));
            }
        }
    }

    private static String text(GgufFile file, String key) {
        GgufMetadata metadata = file.metadata();
        return switch (metadata.get(key).orElseThrow()) {
            case GgufArray array when array.elementType() == GgufType.STRING -> array.strings().toString();
            case GgufArray array -> Arrays.toString(array.ints());
            case GgufValue value -> value.toString();
        };
    }

    /** generation_config.json says which ids end a text, more than GGUF has names for, and how to choose tokens. */
    @Test
    void generationConfig() throws IOException {
        Path source = folder.resolve("generation");
        Path target = folder.resolve("generation.gguf");
        try (GgufFile original = model("llama")) {
            new CheckpointFolder(original, CheckpointFolder.Form.PACKED_MULTIPLIED).write(source, 1);
        }
        Files.writeString(source.resolve("generation_config.json"),
                "{\"eos_token_id\": [7, 8, 9], \"do_sample\": true, \"temperature\": 0.25, \"top_k\": 5, \"top_p\": 0.5}");
        CheckpointConverter.convert(source, target, TargetFormats.PLAIN, (written, total) -> {});
        try (BitNetModel model = BitNetModel.open(target)) {
            assertTrue(model.info().stopIds().containsAll(Set.of(7, 8, 9)), model.info().stopIds().toString());
            assertEquals(SamplingOptions.DEFAULT.withTemperature(0.25f).withTopK(5).withTopP(0.5f), model.samplingDefaults());
        }
    }

    /** A template of its own file comes before tokenizer_config.json, which holds one, or several by name. */
    @Test
    void chatTemplates() throws IOException {
        assertEquals(Optional.empty(), template("{}", null));
        assertEquals(Optional.of("one"), template("{\"chat_template\": \"one\"}", null));
        String several = "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"two\"}, {\"name\": \"default\", \"template\": \"three\"}]}";
        assertEquals(Optional.of("three"), template(several, null));
        assertEquals(Optional.empty(), template(several.replace("default", "rag"), null));
        assertEquals(Optional.of("four"), template(several, "four"));
    }

    private Optional<String> template(String tokenizerConfig, String jinja) throws IOException {
        Path source = folder.resolve("templates");
        Path target = folder.resolve("templates.gguf");
        try (GgufFile original = model("llama")) {
            new CheckpointFolder(original, CheckpointFolder.Form.PACKED_MULTIPLIED).write(source, 1);
        }
        Files.writeString(source.resolve("tokenizer_config.json"), tokenizerConfig);
        if (jinja != null) {
            Files.writeString(source.resolve("chat_template.jinja"), jinja);
        }
        CheckpointConverter.convert(source, target, TargetFormats.PLAIN, (written, total) -> {});
        try (GgufFile file = GgufFile.open(target)) {
            return file.metadata().string("tokenizer.chat_template");
        }
    }

    /** Trained weights, quantised as in training: by the formula, in double precision. */
    @ParameterizedTest
    @ValueSource(strings = {"bitnet-b1.58", "bitnet", "llama"})
    void master(String architecture) throws IOException {
        try (GgufFile original = model(architecture)) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.MASTER);
            float[] first = checkpoint.masters.values().iterator().next();
            try (GgufFile converted = convert(checkpoint, 2)) {
                checkpoint.masters.forEach((name, weights) -> {
                    GgufTensor tensor = converted.requireTensor(name);
                    double mean = 0;
                    for (float weight : weights) {
                        mean += Math.abs(weight) / (double) weights.length;
                    }
                    assertEquals(mean, tensor.data().get(ValueLayout.JAVA_FLOAT, tensor.elements() / 4), mean * 1e-6, name);
                    int cols = (int) tensor.cols();
                    for (int i = 0; i < weights.length; i++) {
                        double exact = weights[i] / mean;
                        int code = CheckpointFolder.code(tensor, checkpoint.ours(name, i / cols), i % cols);
                        if (Math.abs(Math.abs(exact) - 0.5) > 1e-6) {
                            assertEquals(1 + Math.max(-1, Math.min(1, Math.rint(exact))), code, name + " " + i);
                        }
                    }
                });
            }
            assertTrue(first.length > 0);
        }
    }

    /** What is wrong is named, and no file is left. */
    @Test
    void damaged() throws IOException {
        rejected("model.layers.1.mlp.up_proj.weight is missing", c -> c.tensors.remove("model.layers.1.mlp.up_proj.weight"));
        rejected("has shape [96, 128]; config.json asks for [96, 256]", c -> c.tensors.put("model.layers.0.mlp.gate_proj.weight",
                new CheckpointFolder.Tensor("U8", new long[] {96, 128}, new byte[96 * 128])));
        rejected("holds a code 3", c -> c.tensors.get("model.layers.0.mlp.gate_proj.weight").data()[5] = (byte) 0xC0);
        rejected("which is no scale", c -> c.tensors.put("model.layers.0.mlp.up_proj.weight_scale",
                new CheckpointFolder.Tensor("F32", new long[] {1}, new byte[] {0, 0, (byte) 0xC0, 0x7F})));
        rejected("holds NaN", c -> c.tensors.put("model.norm.weight", new CheckpointFolder.Tensor("BF16", new long[] {256}, nan(256))));
        rejected("has dtype I8, not BF16, F16 or F32", c -> c.tensors.put("model.norm.weight",
                new CheckpointFolder.Tensor("I8", new long[] {256}, new byte[256])));
        byte[] tooLarge = new byte[2 * 512 * 256];
        tooLarge[1] = 0x50; // 8.6e9
        rejected("which has no place in F16", c -> c.tensors.put("model.embed_tokens.weight",
                new CheckpointFolder.Tensor("BF16", new long[] {512, 256}, tooLarge)));
        rejected("holds NaN; the file is damaged", c -> c.tensors.put("model.embed_tokens.weight",
                new CheckpointFolder.Tensor("BF16", new long[] {512, 256}, nan(512 * 256))));
        for (byte[] scale : new byte[][] {{0, 0, 0, 0}, {0, 0, 0, (byte) 0xC0}}) {
            rejected("which is no scale", c -> c.tensors.put("model.layers.0.mlp.up_proj.weight_scale",
                    new CheckpointFolder.Tensor("F32", new long[] {1}, scale)));
        }
        rejected("hidden_size is missing", c -> c.config.remove("hidden_size"));
        rejected("rope_theta is -1", c -> c.config.put("rope_theta", -1));
        rejected("model_type 'mamba'", c -> c.config.put("model_type", "mamba"));
        rejected("hidden_act 'gelu' is not one that can run; known are bitnet with relu2 or silu, llama "
                + "and qwen3 with silu, and gemma3_text with gelu_pytorch_tanh",
                c -> c.config.put("hidden_act", "gelu"));
        rejected("attention_bias is true", c -> c.config.put("attention_bias", true));
        rejected("rope_scaling of type 'yarn' is not one that can run; known are default, linear and llama3",
                c -> c.config.putObject("rope_scaling").put("type", "yarn").put("factor", 4));
        rejected("factor is -2, not a positive number", c -> c.config.putObject("rope_scaling").put("type", "linear").put("factor", -2));
        rejected("linear_class 'other'", c -> ((ObjectNode) c.config.get("quantization_config")).put("linear_class", "other"));
        rejected("quant_method 'gptq'", c -> ((ObjectNode) c.config.get("quantization_config")).put("quant_method", "gptq"));
        rejected("holds a vocabulary of the type 'Unigram'", c -> ((ObjectNode) c.tokenizer.get("model")).put("type", "Unigram"));
        rejected("has no pre_tokenizer, without ByteLevel", c -> c.tokenizer.remove("pre_tokenizer"));
        rejected("the embedding table has 512 rows", c -> ((ObjectNode) c.tokenizer.get("model").get("vocab")).put("zz", 512));
    }

    /** An ordinary llama is not made ternary in silence. */
    @Test
    void weightsThatWereNotQuantisedInTraining() throws IOException {
        try (GgufFile original = model("llama")) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.MASTER);
            checkpoint.config.remove("quantization_config");
            refuses("has more than three values", checkpoint, path -> {});
        }
    }

    /** Newer files keep theta beside the scaling; linear scaling has keys, not a tensor. */
    @Test
    void ropeParameters() throws IOException {
        try (GgufFile original = model("llama")) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.PACKED_DIVIDED);
            checkpoint.config.remove("rope_theta");
            checkpoint.config.putObject("rope_parameters").put("rope_theta", 1_000_042.0).put("rope_type", "linear").put("factor", 4.0);
            try (GgufFile converted = convert(checkpoint, 1)) {
                GgufMetadata metadata = converted.metadata();
                assertEquals(1_000_042, metadata.number("llama.rope.freq_base").orElseThrow());
                assertEquals("linear", metadata.string("llama.rope.scaling.type").orElseThrow());
                assertEquals(4, metadata.number("llama.rope.scaling.factor").orElseThrow());
                assertTrue(converted.tensor("rope_freqs.weight").isEmpty());
            }
        }
    }

    private static byte[] nan(int count) {
        byte[] data = new byte[2 * count];
        data[0] = (byte) 0xC0;
        data[1] = 0x7F;
        return data;
    }

    private void rejected(String message, Consumer<CheckpointFolder> damage) throws IOException {
        try (GgufFile original = model("bitnet-b1.58")) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.PACKED_MULTIPLIED);
            damage.accept(checkpoint);
            refuses(message, checkpoint, path -> {});
        }
    }

    private interface Damage {
        void to(Path folder) throws IOException;
    }

    private void refuses(String message, CheckpointFolder checkpoint, Damage damage) throws IOException {
        Path source = folder.resolve("damaged-" + System.nanoTime());
        checkpoint.write(source, 1);
        damage.to(source);
        Path target = folder.resolve("refused.gguf");
        BitNetException e = assertThrows(BitNetException.class,
                () -> CheckpointConverter.convert(source, target, TargetFormats.PLAIN, (written, total) -> {}));
        assertTrue(e.getMessage().contains(message), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
        assertFalse(Files.exists(target));
    }

    @Test
    void damagedFiles() throws IOException {
        try (GgufFile original = model("bitnet-b1.58")) {
            CheckpointFolder checkpoint = new CheckpointFolder(original, CheckpointFolder.Form.PACKED_MULTIPLIED);
            refuses("the file is truncated", checkpoint, path -> truncate(path, -100));
            refuses("truncated", checkpoint, path -> truncate(path, 4));
            refuses("truncated or no safetensors", checkpoint, path -> truncate(path, 40));
            refuses("no JSON", checkpoint, path -> overwrite(path, 8, 'x'));
            refuses("has neither", checkpoint, path -> Files.delete(path.resolve("model.safetensors")));
            refuses("has neither tokenizer.json nor tokenizer.model", checkpoint, path -> Files.delete(path.resolve("tokenizer.json")));
            refuses("is no JSON", checkpoint, path -> Files.writeString(path.resolve("config.json"), "{"));
        }
    }

    private static void truncate(Path source, long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(source.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(length < 0 ? file.length() + length : length);
        }
    }

    private static void overwrite(Path source, long at, int with) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(source.resolve("model.safetensors").toFile(), "rw")) {
            file.seek(at);
            file.write(with);
        }
    }
}
