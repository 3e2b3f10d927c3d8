package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @TempDir
    Path folder;

    @Test
    void theTableHasEveryPairAndTensor() {
        Cli result = Cli.ok("inspect", Cli.HOME.resolve("models/shakespeare.gguf").toString());
        assertTrue(result.out().contains("24 pairs, 68 tensors"), result.out());
        assertTrue(result.out().contains("string[2048]"), result.out());
        assertTrue(result.out().contains("blk.5.ffn_down.weight"), result.out());
        assertTrue(result.out().contains("This model can run here"), result.out());
    }

    @Test
    void jsonHoldsWholeArrays() {
        JsonNode result = Cli.ok("inspect", "--json").json();
        assertTrue(result.get("runs").asBoolean());
        assertEquals(24, result.get("metadata").size());
        assertEquals(2048, result.get("metadata").get("tokenizer.ggml.tokens").get("value").size());
        assertEquals("u32", result.get("metadata").get("general.file_type").get("type").asText());
        assertEquals(68, result.get("tensors").size());
        assertEquals("[256,2048]", result.get("tensors").get(0).get("dims").toString());
    }

    @Test
    void aModelThatCannotRunIsListedAndTheReasonGiven() throws IOException {
        Path file = folder.resolve("other.gguf");
        new GgufWriter().string("general.architecture", "mamba").string("general.name", "bell \u0007\nand\u001b[31m red")
                .tensor("weights", GgmlType.F32, new long[] {8, 2}, out -> out.write(ByteBuffer.allocate(64)))
                .write(file, (written, total) -> {});
        Cli result = Cli.ok("inspect", file.toString());
        assertTrue(result.out().contains("8 x 2"), result.out());
        assertTrue(result.out().contains("This model cannot run here: architecture 'mamba'"), result.out());
        assertTrue(result.out().contains("bell \\u0007\\nand\\u001b[31m red"), result.out());
        JsonNode json = Cli.ok("inspect", file.toString(), "--json").json();
        assertFalse(json.get("runs").asBoolean());
        assertTrue(json.get("reason").asText().contains("mamba"));
    }
}
