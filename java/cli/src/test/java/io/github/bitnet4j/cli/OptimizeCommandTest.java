package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
        return Cli.ok("run", "-m", model.toString(), "-p", "To be", "-n", "32", "--temp", "0", "--ignore-eos", "--json").json().get("ids");
    }
}
