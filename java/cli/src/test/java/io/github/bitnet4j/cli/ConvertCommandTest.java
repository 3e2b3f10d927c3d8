package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
        assertTrue(type.err().contains("--type is 'tl3'; it must be one of i2_s, tl1, tl2, tq1_0, tq2_0, f16"), type.err());
        Cli head = Cli.run("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2", "--head", "q5_0");
        assertEquals(2, head.status());
        assertTrue(head.err().contains("--head is 'q5_0'; it must be one of f16, q8_0, q6_k, q4_0"), head.err());
        for (String[] command : new String[][] {{"convert", plain.toString(), "-o", tl2.toString(), "--type", "i2_s"},
            {"run", "-m", plain.toString(), "-p", "x"}}) {
            String[] ordered = Arrays.copyOf(command, command.length + 2);
            ordered[command.length] = "--i2s-order";
            ordered[command.length + 1] = "32";
            Cli order = Cli.run(ordered);
            assertEquals(2, order.status());
            assertTrue(order.err().contains("--i2s-order is '32'; it must be one of 128, 64, rows4"), order.err());
        }
        Cli tiles = Cli.run("run", "-m", plain.toString(), "-p", "x", "--tl-tiles", "256,96,32");
        assertEquals(2, tiles.status());
        assertTrue(tiles.err().contains("--tl-tiles: tiles are '256,96,32'; they must be BM/BK/bm"), tiles.err());
        Cli impossible = Cli.run("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2", "--tl-tiles", "100/96/32");
        assertEquals(1, impossible.status());
        assertTrue(impossible.err().contains("cannot have tiles 100/96/32: BM can be"), impossible.err());
    }

    /** A file of other programs does not say its tiles; one that was written here does. */
    @Test
    void tilesOfNothingAreAMistake() throws IOException {
        Path output = folder.resolve("out.gguf");
        Cli.ok("convert", plain.toString(), "-o", tl2.toString(), "--type", "tl2", "--tl-tiles", "128/96/32");
        for (Path input : new Path[] {plain, tl2}) {
            Cli result = Cli.run("convert", input.toString(), "-o", output.toString(), "--type", "i2_s", "--tl-tiles", "128/96/32");
            assertEquals(2, result.status());
            assertTrue(result.err().contains("--tl-tiles is given, but " + input + " has no TL1 or TL2 weights of unknown tiles, and "
                    + "--type i2_s has no tiles; leave it out"), result.err());
            assertTrue(Files.notExists(output));
        }
    }

    @Test
    void formatsThatAreRepackedSayTheSameAndSaySo() throws IOException {
        Path tq = folder.resolve("tq.gguf");
        Cli.ok("convert", plain.toString(), "-o", tq.toString(), "--type", "tq1_0", "--head", "q8_0");
        Path sameHead = folder.resolve("head.gguf");
        Cli.ok("convert", plain.toString(), "-o", sameHead.toString(), "--type", "i2_s", "--head", "q8_0");
        assertEquals(greedyIds(sameHead), greedyIds(tq));
        String inspected = Cli.ok("inspect", tq.toString(), "--check").out();
        assertTrue(inspected.contains("This model can run here, ") && inspected.contains(" of linears repacked as I2_S: "), inspected);
        String bench = Cli.ok("bench", "-m", tq.toString(), "-p", "8", "-n", "2", "-r", "1").out();
        assertTrue(bench.contains("linears repacked as I2_S") && bench.contains("bn_gemv_i2s_"), bench);
    }

    @Test
    void weightsAsHalvesAreForOthers() {
        Path halves = folder.resolve("halves.gguf");
        Cli.ok("convert", plain.toString(), "-o", halves.toString(), "--type", "f16");
        assertEquals(32, Cli.ok("inspect", halves.toString(), "--json").json().get("alignment").asInt(), "all that some of them know");
        Cli run = Cli.run("run", "-m", halves.toString(), "-p", "x");
        assertEquals(1, run.status());
        assertTrue(run.err().contains("blk.0.attn_q.weight has type F16") && run.err().contains("must be ternary here"), run.err());
    }

    @Test
    void aFolderWithoutACheckpoint() {
        Cli result = Cli.run("convert", folder.toString(), "-o", tl2.toString(), "--type", "tl2");
        assertEquals(1, result.status());
        assertTrue(result.err().contains("is a folder without config.json; convert takes"), result.err());
    }

    @Test
    void aDamagedFileIsFoundByReadingAllOfIt() throws IOException {
        byte[] file = Files.readAllBytes(plain);
        file[file.length - 200_000] = (byte) 0xFF;
        Files.write(tl2, file);
        Cli.ok("inspect", tl2.toString());
        Cli check = Cli.run("inspect", tl2.toString(), "--check");
        assertEquals(1, check.status());
        assertTrue(check.err().startsWith("bitnet: error: ") && check.err().lines().count() == 1, check.err());
    }

    private static JsonNode greedyIds(Path model) {
        return Cli.ok("run", "-m", model.toString(), "-p", "To be", "-n", "32", "--temp", "0", "--ignore-eos", "--json").json().get("ids");
    }
}
