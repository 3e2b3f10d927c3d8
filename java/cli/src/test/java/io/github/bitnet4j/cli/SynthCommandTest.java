package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SynthCommandTest {
    @TempDir
    Path folder;

    @Test
    void theModelRuns() throws IOException {
        Path model = folder.resolve("tiny.gguf");
        JsonNode result = Cli.ok("synth", model.toString(), "--preset", "tiny", "--json").json();
        assertEquals(Files.size(model), result.get("bytes").asLong());
        assertEquals(4, Cli.ok("run", "-m", model.toString(), "-p", "a", "-n", "4", "--ignore-eos", "--json").json().get("ids").size());
    }

    /** So that nobody takes a figure of such a model for that of a plain one. */
    @Test
    void theNameTellsOfTheGates() throws IOException {
        Path model = folder.resolve("gates.gguf");
        Cli.ok("synth", model.toString(), "--preset", "tiny", "--gate-sparsity", "0.8");
        String inspected = Cli.ok("inspect", model.toString()).out();
        assertTrue(inspected.contains("tiny-gate-sparsity-0.8") && inspected.contains("bitnet4j.synth.gate_sparsity"), inspected);
        Cli refused = Cli.run("synth", model.toString(), "--preset", "large", "--gate-sparsity", "0.8", "--force");
        assertTrue(refused.err().contains("SiLU gates"), refused.err());
    }

    @Test
    void theSameSeedGivesTheSameFile() throws IOException {
        Path one = folder.resolve("one.gguf");
        Path two = folder.resolve("two.gguf");
        Cli result = Cli.ok("synth", one.toString(), "--preset", "tiny", "--seed", "7", "--zeros", "0.3");
        assertTrue(result.err().startsWith(one + ": "), result.err());
        Files.writeString(two, "something else");
        Cli.ok("synth", two.toString(), "--preset", "tiny", "--seed", "7", "--zeros", "0.3", "--force");
        assertArrayEquals(Files.readAllBytes(one), Files.readAllBytes(two));
    }
}
