package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptimizeCommandTest {
    @TempDir
    Path folder;

    @Test
    void theCopySaysTheSame() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path fast = folder.resolve("fast.gguf");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        JsonNode result = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--json").json();
        assertEquals(Files.size(fast), result.get("bytes").asLong());
        assertEquals(greedyIds(plain), greedyIds(fast));
    }

    /** The price of a quantised head is said, falls with its bits, and the file runs, in two passes as well. */
    @Test
    void aQuantisedHeadSaysWhatItCosts() throws IOException {
        Path trained = Cli.HOME.resolve("models/shakespeare.gguf");
        double last = 0;
        for (String type : new String[] {"q8_0", "q6_k", "q4_0"}) {
            Path fast = folder.resolve(type + ".gguf");
            JsonNode head = Cli.ok("optimize", trained.toString(), "-o", fast.toString(), "--head", type, "--json").json().get("head");
            assertEquals(2048 * 256 * 2, head.get("bytes_before").asLong());
            assertEquals(2048 * 256 * switch (type) {
                case "q8_0" -> 34.0 / 32;
                case "q6_k" -> 210.0 / 256;
                default -> 18.0 / 32;
            }, head.get("bytes").asDouble());
            JsonNode cost = head.get("cost");
            assertEquals(256, cost.get("tokens").asInt());
            assertTrue(cost.get("relative_error").asDouble() > last, cost.toString());
            last = cost.get("relative_error").asDouble();
            assertTrue(cost.get("divergence").asDouble() > 0 && cost.get("divergence").asDouble() < last, cost.toString());
            assertTrue(cost.get("agreement").asDouble() > 0.9, cost.toString());
            assertEquals(greedyIds(fast, "exact"), greedyIds(fast, "auto"));
        }
        assertTrue(last < 0.15, "four bits are off by " + last);
        Path none = folder.resolve("none.gguf");
        assertTrue(Cli.run("optimize", trained.toString(), "-o", none.toString(), "--head", "q5_0").err()
                .contains("--head is 'q5_0'; it must be f16, q8_0, q6_k or q4_0"));
        Cli again = Cli.run("optimize", folder.resolve("q4_0.gguf").toString(), "-o", none.toString(), "--head", "q6_k");
        assertEquals(1, again.status());
        assertFalse(Files.exists(none));
    }

    @Test
    void anExistingFileStays() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        Path other = Files.writeString(folder.resolve("other"), "mine");
        Cli result = Cli.run("optimize", plain.toString(), "-o", other.toString());
        assertEquals(1, result.status());
        assertEquals("mine", Files.readString(other));
    }

    private static JsonNode greedyIds(Path model) {
        return greedyIds(model, "auto");
    }

    private static JsonNode greedyIds(Path model, String head) {
        return Cli.ok("run", "-m", model.toString(), "--head", head, "-p", "To be", "-n", "32", "--temp", "0", "--ignore-eos", "--json").json().get("ids");
    }
}
