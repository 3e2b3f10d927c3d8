package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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

    /** A copy of the bundled model whose I2_S weights lie in blocks of 64, as bitnet.cpp writes them on ARM. */
    private Path blocksOf64() throws IOException {
        Path bundled = Cli.HOME.resolve("models/shakespeare.gguf");
        byte[] from = Files.readAllBytes(bundled);
        byte[] to = from.clone();
        try (GgufFile file = GgufFile.open(bundled)) {
            for (GgufTensor tensor : file.tensors()) {
                if (tensor.type() == GgmlType.I2_S) {
                    int start = (int) tensor.offset();
                    Arrays.fill(to, start, start + (int) tensor.elements() / 4, (byte) 0);
                    for (int e = 0; e < tensor.elements(); e++) {
                        int code = from[start + e / 128 * 32 + e % 32] >> 6 - 2 * (e % 128 / 32) & 3;
                        to[start + e / 64 * 16 + e % 16] |= (byte) (code << 6 - 2 * (e % 64 / 16));
                    }
                }
            }
        }
        return Files.write(folder.resolve("arm.gguf"), to);
    }

    @Test
    void aCheckFindsTheOrderOfTrainedWeights() throws IOException {
        String published = Cli.ok("inspect", "--check").out();
        assertTrue(published.contains("Order of I2_S: 128, in which text is likely (perplexity "), published);
        assertTrue(published.stripTrailing().endsWith("shakespeare.gguf"), published);
        Path arm = blocksOf64();
        String other = Cli.ok("inspect", arm.toString(), "--check").out();
        assertTrue(other.contains("Order of I2_S: 64, in which text is likely (perplexity "), other);
        assertTrue(other.contains(" as 128, "), other);
        assertTrue(other.stripTrailing().endsWith("bitnet run -m " + arm + " --i2s-order 64"), other);
        JsonNode json = Cli.ok("inspect", arm.toString(), "--check", "--json").json().get("i2s_order");
        assertEquals("64", json.get("order").asText());
        assertTrue(4 * json.get("perplexity").get("64").asDouble() < json.get("perplexity").get("rows4").asDouble(), json.toString());
    }

    @Test
    void randomWeightsHaveNoOrderToFind() {
        Path random = folder.resolve("random.gguf");
        Cli.ok("synth", "--preset", "tiny", random.toString());
        String result = Cli.ok("inspect", random.toString(), "--check").out();
        assertTrue(result.contains("Order of I2_S: cannot tell, as text is likely in no order or in several (perplexity "), result);
        assertTrue(result.stripTrailing().endsWith("bitnet run -m " + random), result);
        assertFalse(Cli.ok("inspect", random.toString()).out().contains("Order of I2_S"), "without --check");
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
