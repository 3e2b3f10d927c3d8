package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
        for (String target : List.of("auto", "avx2", "avx512vbmi")) {
            for (String mode : List.of("auto", "sparse", "dense")) {
                JsonNode result = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--target", target, "--ffn", mode,
                        "--force", "--json").json();
                assertEquals(Files.size(fast), result.get("bytes").asLong());
                assertEquals(greedyIds(plain), greedyIds(fast), target + ", " + mode);
            }
        }
    }

    @Test
    void ownTargetHasTheLayoutThatIsFasterHere() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path fast = folder.resolve("fast.gguf");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        JsonNode own = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--ffn", "dense", "--json").json();
        double two = own.get("speeds").get("I2_R16").asDouble();
        double five = own.get("speeds").get("B3_R80").asDouble();
        assertTrue(two > 1e8 && five > 1e8, own.toString());
        assertEquals(two > five ? "I2_R16" : "B3_R80", own.get("dense").asText());
        Cli again = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--ffn", "dense", "--force");
        assertTrue(again.err().matches("(?s).*\\(I2_R16 \\d+, B3_R80 \\d+ G multiply-adds/s\\).*"), again.err());
        JsonNode named = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--ffn", "dense", "--force", "--target", "avx2",
                "--json").json();
        assertEquals(0, named.get("speeds").size());
    }

    @Test
    void aTextDecidesAndTheTableShowsIt() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path fast = folder.resolve("fast.gguf");
        Path text = Files.writeString(folder.resolve("text"), "To be, or not to be, that is the question.");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        JsonNode json = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--calibrate", text.toString(), "--target",
                "avx2", "--json").json();
        assertTrue(json.get("calibration_tokens").asInt() > 5);
        assertEquals(2, json.get("layers").size());
        assertEquals("I2_R16", json.get("dense").asText());
        Cli shown = Cli.ok("optimize", plain.toString(), "-o", fast.toString(), "--force");
        assertTrue(shown.out().contains("open gates"), shown.out());
        assertTrue(Cli.ok("inspect", fast.toString()).out().contains("bitnet4j.layout.open_gates"));
    }

    @Test
    void namesWhatIsPossible() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        String fast = folder.resolve("fast.gguf").toString();
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        Cli target = Cli.run("optimize", plain.toString(), "-o", fast, "--target", "zen5");
        assertEquals(2, target.status());
        assertTrue(target.err().contains("it must be auto, scalar, ssse3, avx2"), target.err());
        Cli mode = Cli.run("optimize", plain.toString(), "-o", fast, "--ffn", "half");
        assertEquals(2, mode.status());
        assertTrue(mode.err().contains("auto, sparse or dense"), mode.err());
        Cli text = Cli.run("optimize", plain.toString(), "-o", fast, "--ffn", "dense", "--calibrate", plain.toString());
        assertEquals(2, text.status());
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
