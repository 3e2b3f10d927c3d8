package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The bundled model is a file that another program wrote: every value is read and compared. */
class BundledFileTest {
    static final Path SHAKESPEARE = Path.of("../../models/shakespeare.gguf");

    @Test
    void headerAndScalars() throws IOException {
        try (GgufFile file = GgufFile.open(SHAKESPEARE)) {
            assertEquals(3, file.version());
            assertEquals(2_330_880, file.size());
            assertEquals(32, file.alignment());
            GgufMetadata metadata = file.metadata();
            assertEquals(24, metadata.asMap().size());
            assertEquals("general.architecture", metadata.asMap().keySet().iterator().next());
            assertEquals(Optional.of("bitnet-b1.58"), metadata.string("general.architecture"));
            assertEquals(Optional.of("llama-bpe"), metadata.string("tokenizer.ggml.pre"));
            assertEquals(OptionalLong.of(256), metadata.integer("bitnet-b1.58.embedding_length"));
            assertEquals(OptionalLong.of(768), metadata.integer("bitnet-b1.58.feed_forward_length"));
            assertEquals(OptionalLong.of(40), metadata.integer("general.file_type"));
            assertEquals(1e-5f, metadata.number("bitnet-b1.58.attention.layer_norm_rms_epsilon").orElseThrow());
            assertEquals(500_000, metadata.number("bitnet-b1.58.rope.freq_base").orElseThrow());
            assertEquals(2045, metadata.number("tokenizer.ggml.bos_token_id").orElseThrow());
            assertEquals(Optional.of(true), metadata.bool("tokenizer.ggml.add_bos_token"));
            assertTrue(metadata.string("no.such.key").isEmpty());
        }
    }

    @Test
    void arrays() throws IOException {
        try (GgufFile file = GgufFile.open(SHAKESPEARE)) {
            List<String> tokens = file.metadata().array("tokenizer.ggml.tokens").orElseThrow().strings();
            assertEquals(2048, tokens.size());
            assertEquals("\u0100", tokens.get(0));
            assertEquals("<|eot_id|>", tokens.get(2047));
            int i = 0;
            for (String token : tokens) {
                assertEquals(token, tokens.get(i++));
            }
            int[] types = file.metadata().array("tokenizer.ggml.token_type").orElseThrow().ints();
            assertEquals(2048, types.length);
            assertArrayEquals(new int[] {1, 3, 3, 3}, new int[] {types[2044], types[2045], types[2046], types[2047]});
            GgufArray merges = file.metadata().array("tokenizer.ggml.merges").orElseThrow();
            assertEquals(1789, merges.length());
            assertEquals("h e", merges.strings().get(1));
            assertEquals("\u0120 ord", merges.strings().getLast());
            assertThrows(IndexOutOfBoundsException.class, () -> merges.strings().get(1789));
        }
    }

    @Test
    void tensors() throws IOException {
        try (GgufFile file = GgufFile.open(SHAKESPEARE)) {
            assertEquals(68, file.tensors().size());
            GgufTensor embedding = file.tensors().getFirst();
            assertEquals("token_embd.weight", embedding.name());
            assertEquals(GgmlType.F16, embedding.type());
            assertEquals(256, embedding.cols());
            assertEquals(2048, embedding.rows());
            assertEquals(256 * 2048 * 2, embedding.byteSize());
            assertTrue(embedding.data().isReadOnly());

            GgufTensor down = file.requireTensor("blk.5.ffn_down.weight");
            assertEquals(GgmlType.I2_S, down.type());
            assertArrayEquals(new long[] {768, 256}, down.dims());
            assertEquals(768 * 256 / 4 + 32, down.byteSize());

            assertEquals(42, file.tensors().stream().filter(t -> t.type() == GgmlType.I2_S).count());
            assertEquals(25, file.tensors().stream().filter(t -> t.type() == GgmlType.F32).count());
            GgufTensor last = file.tensors().getLast();
            assertEquals(file.size(), last.offset() + last.byteSize());
            assertFalse(file.tensor("blk.6.ffn_down.weight").isPresent());
            assertThrows(GgufException.class, () -> file.requireTensor("blk.6.ffn_down.weight"));
        }
    }

    @Test
    void wrongTypeNamesTheKeyAndBothTypes() throws IOException {
        try (GgufFile file = GgufFile.open(SHAKESPEARE)) {
            GgufMetadata metadata = file.metadata();
            GgufException e = assertThrows(GgufException.class, () -> metadata.integer("general.architecture"));
            assertEquals("value of 'general.architecture' at offset " + metadata.offset("general.architecture")
                    + ": it has type STRING, where an integer is expected", e.getMessage());
            assertThrows(GgufException.class, () -> metadata.string("general.file_type"));
            assertThrows(GgufException.class, () -> metadata.number("tokenizer.ggml.add_bos_token"));
            assertThrows(GgufException.class, () -> metadata.bool("general.file_type"));
            assertThrows(GgufException.class, () -> metadata.array("general.file_type"));
            GgufArray tokens = metadata.array("tokenizer.ggml.tokens").orElseThrow();
            assertThrows(GgufException.class, tokens::ints);
            assertThrows(GgufException.class, tokens::floats);
            GgufArray types = metadata.array("tokenizer.ggml.token_type").orElseThrow();
            assertThrows(GgufException.class, types::strings);
        }
    }

    @Test
    void afterCloseNothingIsReadable() throws IOException {
        GgufFile file = GgufFile.open(SHAKESPEARE);
        GgufTensor tensor = file.tensors().getFirst();
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> tensor.data().get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void whatIsNoFileIsAnIoError() {
        assertThrows(NoSuchFileException.class, () -> GgufFile.open(Path.of("no-such.gguf")));
        assertThrows(IOException.class, () -> GgufFile.open(Path.of(".")));
    }
}
