package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertCommandTest {
    @TempDir
    Path folder;
    private Path plain;
    private Path tl2;

    @BeforeEach
    void writeModel() {
        plain = folder.resolve("plain.gguf");
        tl2 = folder.resolve("tl2.gguf");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
    }

    @Test
    void theCopySaysTheSame() throws IOException {
        JsonNode result = Cli.ok("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2", "--json").json();
        assertEquals(Files.size(tl2), result.get("bytes").asLong());
        assertEquals("tl2", result.get("type").asText());
        assertEquals(greedyIds(plain), greedyIds(tl2));
        assertTrue(Cli.ok("inspect", tl2.toString()).out().contains("TL2"));
    }

    @Test
    void anExistingFileStays() throws IOException {
        Files.writeString(tl2, "mine");
        assertEquals(1, Cli.run("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2").status());
        assertEquals("mine", Files.readString(tl2));
    }

    @Test
    void wrongValuesAreMistakesOnTheCommandLine() {
        Cli type = Cli.run("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl3");
        assertEquals(2, type.status());
        assertTrue(type.err().contains("--type is 'tl3'; it must be one of i2_s, tl1, tl2"), type.err());
        Cli tiles = Cli.run("run", "-m", plain.toString(), "-p", "x", "--tl-tiles", "256,96,32");
        assertEquals(2, tiles.status());
        assertTrue(tiles.err().contains("--tl-tiles: tiles are '256,96,32'; they must be BM/BK/bm"), tiles.err());
        Cli impossible = Cli.run("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2", "--tl-tiles", "100/96/32");
        assertEquals(1, impossible.status());
        assertTrue(impossible.err().contains("cannot have tiles 100/96/32: BM can be"), impossible.err());
    }

    private static JsonNode greedyIds(Path model) {
        return Cli.ok("run", "-m", model.toString(), "-p", "To be", "-n", "32", "--temp", "0", "--ignore-eos", "--json").json().get("ids");
    }
}
