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
