package io.github.bitnet4j.synth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Synthetic models have the published layout, the asked-for statistics, and depend on nothing but their spec. */
class SynthTest {
    @TempDir
    Path folder;

    private Path write(SynthSpec spec) throws IOException {
        Path path = folder.resolve(spec.name() + "-" + spec.seed() + "-" + spec.zeros() + ".gguf");
        Synth.write(spec, path);
        return path;
    }

    /** The whole vocabulary of 2B-4T on a narrow model, 41 MB. */
    @Test
    void layoutIsThatOfThePublishedFile() throws IOException {
        try (GgufFile file = GgufFile.open(write(SynthSpec.builder().hidden(128).heads(2, 1, 64).vocab(128_256).build()))) {
            assertEquals(List.of("general.architecture", "general.name", "bitnet-b1.58.vocab_size",
                    "bitnet-b1.58.context_length", "bitnet-b1.58.embedding_length", "bitnet-b1.58.block_count",
                    "bitnet-b1.58.feed_forward_length", "bitnet-b1.58.rope.dimension_count",
                    "bitnet-b1.58.attention.head_count", "bitnet-b1.58.attention.head_count_kv",
                    "tokenizer.ggml.add_bos_token", "bitnet-b1.58.attention.layer_norm_rms_epsilon",
                    "bitnet-b1.58.rope.freq_base", "general.file_type", "tokenizer.ggml.model", "tokenizer.ggml.tokens",
                    "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges",
                    "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.padding_token_id",
                    "tokenizer.chat_template", "general.quantization_version"),
                    List.copyOf(file.metadata().asMap().keySet()));
            assertEquals(128_256, file.metadata().array("tokenizer.ggml.tokens").orElseThrow().length());
            assertEquals(280_147, file.metadata().array("tokenizer.ggml.merges").orElseThrow().length());
            assertEquals(128_000, file.metadata().integer("tokenizer.ggml.bos_token_id").orElseThrow());
            assertEquals(128_001, file.metadata().integer("tokenizer.ggml.eos_token_id").orElseThrow());
            assertEquals(2 * 11 + 2, file.tensors().size());
            for (GgufTensor tensor : file.tensors()) {
                assertEquals(tensor.rank() == 1 ? GgmlType.F32 : tensor.name().equals("token_embd.weight")
                        ? GgmlType.F16 : GgmlType.I2_S, tensor.type(), tensor.name());
            }
        }
    }

    /** The counts and the size of tensor data of the published file, without writing it. */
    @Test
    void presetOf2B4TCountsTensorsAndBytes() {
        SynthSpec spec = SynthPreset.byId("2b-4t").orElseThrow().spec();
        long products = 4L * spec.hidden() * spec.hidden() / 4 * 5 / 8 + 3L * spec.hidden() * spec.ffn() / 4;
        long bytes = 2L * spec.vocab() * spec.hidden() + 4L * spec.hidden()
                + spec.layers() * (products + 7 * 32 + 4L * (3 * spec.hidden() + spec.ffn()));
        assertEquals(332, 1 + 1 + 11 * spec.layers());
        assertEquals(1_187_801_280 - 8_351_360, bytes); // the published file less its header
    }

    @Test
    void vocabularyIsAByteLevelBpe() {
        for (int size : new int[] {272, 512, 2048, 32_002, 128_256, 131_080}) {
            Vocabulary vocabulary = new Vocabulary(size);
            List<String> tokens = vocabulary.tokens();
            Set<String> known = new HashSet<>(tokens);
            assertEquals(size, tokens.size());
            assertEquals(size, known.size(), "tokens are distinct");
            Set<String> merged = new HashSet<>();
            Set<String> merges = new HashSet<>();
            for (String merge : vocabulary.merges()) {
                String[] halves = merge.split(" ");
                assertTrue(known.contains(halves[0]) && known.contains(halves[1]) && known.contains(halves[0] + halves[1]));
                assertTrue(merges.add(merge), "merges are distinct");
                merged.add(halves[0] + halves[1]);
            }
            assertEquals(vocabulary.beginOfText() - 256, merged.size(), "every token that is no byte can be merged");
            assertEquals("<|begin_of_text|>", tokens.get(vocabulary.beginOfText()));
            assertEquals("<|eot_id|>", tokens.get(vocabulary.beginOfText() + 9));
        }
        Vocabulary llama3 = new Vocabulary(128_256);
        assertEquals(128_009, llama3.tokens().indexOf("<|eot_id|>"));
        assertEquals("<|reserved_special_token_250|>", llama3.tokens().getLast());
        assertEquals(280_147, llama3.merges().size());
        assertEquals("!", llama3.tokens().getFirst());
        assertEquals("\u0100", llama3.tokens().get(188));
        assertEquals("\u0120", llama3.tokens().get(220)); // the space, as in GPT-2 and Llama 3
    }

    @Test
    void sameSpecSameBytes() throws IOException {
        SynthSpec spec = SynthPreset.TINY.spec();
        Path first = write(spec);
        Path second = folder.resolve("second.gguf");
        Synth.write(spec, second);
        assertEquals(-1, Files.mismatch(first, second));
        Path other = write(spec.toBuilder().seed(43).build());
        assertNotEquals(-1, Files.mismatch(first, other));
        assertEquals(Files.size(first), Files.size(other));
        assertTrue(Files.size(first) < 600_000);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1, 0.42, 0.9, 1})
    void fractionOfZerosIsAsAsked(double zeros) throws IOException {
        try (GgufFile file = GgufFile.open(write(SynthSpec.builder().zeros(zeros).build()))) {
            long[] counts = new long[4];
            for (GgufTensor tensor : file.tensors()) {
                if (tensor.type() == GgmlType.I2_S) {
                    countCodes(tensor, counts);
                }
            }
            double all = counts[0] + counts[1] + counts[2];
            assertEquals(0, counts[3], "code 3 does not exist");
            // 1.2 million weights: one standard deviation is 0.0005; the table rounds by 0.0006 at most
            assertEquals(zeros, counts[1] / all, 0.003);
            assertEquals(counts[0] / all, counts[2] / all, 0.003);
        }
    }

    private static void countCodes(GgufTensor tensor, long[] counts) {
        long weightBytes = tensor.elements() / 4;
        MemorySegment data = tensor.data();
        for (long at = 0; at < weightBytes; at++) {
            int packed = data.get(ValueLayout.JAVA_BYTE, at);
            for (int shift = 0; shift < 8; shift += 2) {
                counts[packed >> shift & 3]++;
            }
        }
        float scale = data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, weightBytes);
        assertTrue(scale > 0 && scale <= 1.1, "scale " + scale);
    }

    @Test
    void embeddingsAreNormallyDistributed() throws IOException {
        try (GgufFile file = GgufFile.open(write(SynthPreset.TINY.spec()))) {
            GgufTensor embedding = file.requireTensor("token_embd.weight");
            double sum = 0;
            double squares = 0;
            double largest = 0;
            for (long i = 0; i < embedding.elements(); i++) {
                double value = Float.float16ToFloat(embedding.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
                sum += value;
                squares += value * value;
                largest = Math.max(largest, Math.abs(value));
            }
            double deviation = 3 / Math.sqrt(256);
            assertEquals(0, sum / embedding.elements(), deviation / 50);
            assertEquals(deviation, Math.sqrt(squares / embedding.elements()), deviation / 50);
            assertEquals(4.2 * deviation, largest, 0.3 * deviation);
        }
    }

    @ParameterizedTest
    @CsvSource({"llama, false, 21", "bitnet, true, 24", "bitnet-25, false, 25"})
    void architecturesDifferInNormsAndHead(String architecture, boolean tied, int tensors) throws IOException {
        SynthSpec spec = SynthSpec.builder().architecture(architecture).tied(tied).build();
        try (GgufFile file = GgufFile.open(write(spec))) {
            assertEquals(tensors, file.tensors().size());
            assertEquals(tied, file.tensor("output.weight").isEmpty());
            assertEquals(!architecture.equals("llama"), file.tensor("blk.0.attn_sub_norm.weight").isPresent());
            assertEquals(256, file.metadata().integer(architecture + ".embedding_length").orElseThrow());
        }
    }

    /** The counts and the sizes of the published files, without writing them. */
    @ParameterizedTest
    @CsvSource({"falcon-e-1b, 168, 49, 666", "falcon-e-3b, 224, 65, 1000"})
    void presetsOfFalconE(String id, int products, int norms, int megabytes) {
        SynthSpec spec = SynthPreset.byId(id).orElseThrow().spec();
        long hidden = spec.hidden();
        long weights = 2 * hidden * spec.heads() * spec.headDim() + 2 * hidden * spec.kvHeads() * spec.headDim() + 3 * hidden * spec.ffn();
        assertEquals(products, 7 * spec.layers());
        assertEquals(norms, 2 * spec.layers() + 1);
        assertFalse(spec.tied());
        assertEquals(megabytes, (spec.layers() * weights / 4 + 2 * 2 * hidden * spec.vocab()) / 1e6, 2.5); // less the header
    }

    /** As in the published files: 506 and 362 tensors with 28 and 18 layers. */
    @ParameterizedTest
    @CsvSource({"qwen3, 18", "gemma3, 20"})
    void modelsForEmbeddings(String architecture, int tensorsOfALayer) throws IOException {
        SynthSpec spec = SynthSpec.builder().architecture(architecture).heads(4, 1, 128).build();
        try (GgufFile file = GgufFile.open(write(spec))) {
            assertEquals(2 + 2 * tensorsOfALayer, file.tensors().size());
            assertEquals(14, file.tensors().stream().filter(tensor -> tensor.type() == GgmlType.I2_S).count());
            assertTrue(file.tensors().stream().allMatch(tensor -> tensor.type() == GgmlType.I2_S || tensor.type() == GgmlType.F16));
            assertEquals(512, file.requireTensor("blk.1.attn_output_norm_in.weight").cols());
            assertEquals(128, file.requireTensor("blk.1.attn_k_norm.weight").cols());
            assertEquals(1, file.metadata().integer(architecture + ".pooling_type").orElseThrow());
            assertTrue(file.metadata().bool("tokenizer.ggml.add_eos_token").orElseThrow());
        }
        assertTrue(assertThrows(IllegalArgumentException.class, () -> spec.toBuilder().tied(false).build()).getMessage()
                .contains("without a head"));
    }

    @Test
    void headsNeedNotFillTheHiddenSize() throws IOException {
        try (GgufFile file = GgufFile.open(write(SynthSpec.builder().heads(6, 3, 64).build()))) {
            assertEquals(64, file.metadata().integer("bitnet-b1.58.attention.key_length").orElseThrow());
            assertEquals(384, file.requireTensor("blk.0.attn_output.weight").cols());
            assertEquals(384, file.requireTensor("blk.0.attn_sub_norm.weight").cols());
            assertEquals(192, file.requireTensor("blk.0.attn_k.weight").rows());
        }
    }

    @Test
    void impossibleShapesAreRefusedWithTheReason() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().ffn(8650).build())
                .getMessage().contains("8650 is not a multiple of 32"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().architecture("qwen"))
                .getMessage().contains("known are bitnet-b1.58, bitnet-25, bitnet, llama"));
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().hidden(160).gateSparsity(0.8).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().hidden(0).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().heads(4, 3, 64).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().heads(4, 0, 64).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().heads(128, 1, 1).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().vocab(271).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().zeros(1.5).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().zeros(Double.NaN).build());
        assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().layers(0).build());
    }

    @Test
    void presetsAreFoundByName() {
        assertEquals("2b-4t, large, 3b, llama3-8b, falcon3-1b, falcon3-3b, falcon3-7b, falcon3-10b, falcon-e-1b, falcon-e-3b, "
                + "embedding-0.6b, embedding-270m, tiny, tiny-bitnet, tiny-llama, tiny-qwen3, tiny-gemma3", SynthPreset.ids());
        assertFalse(SynthPreset.byId("7b").isPresent());
        for (SynthPreset preset : SynthPreset.values()) {
            assertEquals(preset, SynthPreset.byId(preset.id()).orElseThrow());
            assertEquals(preset.spec(), preset.spec().toBuilder().build());
        }
    }
}
