package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.model.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings are measured, remembered, used where the command line says nothing, and ignored aloud when they cannot be. */
class TuneCommandTest {
    private static final String[] RUN = {"run", "-p", "ROMEO:", "-n", "2", "--json"};

    @TempDir
    private Path folder;
    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("bitnet4j").resolve("tuning.properties");
    }

    private void remember(String library, String threads, String isa, String load) throws IOException {
        remember(library, threads, isa, load, "40");
    }

    private void remember(String library, String threads, String isa, String load, String pack) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "cpu=x\nlibrary=" + library + "\nthreads=" + threads + "\nisa=" + isa + "\nload=" + load
                + "\nunpack=5\nunpackTables=9\npack=" + pack + "\nmeasured=a model\n");
    }

    private Cli tuned(String... arguments) {
        Cli result = Cli.runTuned(file, arguments);
        assertEquals(0, result.status(), result.err());
        return result;
    }

    @Test
    void whatWinsIsRemembered() {
        JsonNode result = tuned("tune", "--json").json();
        JsonNode trials = result.get("trials");
        assertTrue(trials.size() >= 2, trials.toString());
        assertEquals("auto", trials.get(0).get("isa").asText());
        assertTrue(trials.valueStream().anyMatch(trial -> trial.get("load").asText().equals("hugepages")), trials.toString());
        assertEquals(file.toString(), result.get("file").asText());
        JsonNode chosen = result.get("tuning");
        assertEquals(Kernels.version(), chosen.get("library").asText());
        assertTrue(chosen.get("crossovers").get("pack").asLong() >= 2, chosen.toString());

        Cli run = tuned("run", "-p", "ROMEO:", "-n", "2", "--json", "--verbose");
        assertEquals(chosen.get("threads").asInt(), run.json().get("threads").asInt());
        assertTrue(run.err().contains("settings of " + file), run.err());
        assertTrue(tuned("doctor").out().lines().anyMatch(line -> line.startsWith("tuning") && line.contains("--load")));

        tuned("tune", "--forget");
        assertFalse(Files.exists(file));
        assertEquals("", tuned("tune", "--forget").out());
    }

    @Test
    void theCommandLineOverridesIt() throws IOException {
        remember(Kernels.version(), "3", "scalar", "mmap");
        JsonNode run = tuned(RUN).json();
        assertEquals(3, run.get("threads").asInt());
        assertEquals(System.getenv().getOrDefault("BITNET_ISA", "scalar"), run.get("isa").asText());
        assertEquals(2, tuned("run", "-p", "ROMEO:", "-n", "2", "--json", "-t", "2").json().get("threads").asInt());
        JsonNode bench = tuned("bench", "-p", "0", "-n", "2", "-r", "1", "--isa", "auto", "-o", "json").json();
        assertEquals("scalar", bench.get("tuning").get("isa").asText());
        assertEquals(Cli.ok("run", "-p", "ROMEO:", "-n", "2", "--json").json().get("isa").asText(),
                bench.get("tests").get(0).get("setting").get("isa").asText());
    }

    @ParameterizedTest
    @CsvSource({"0.0.0, 2, auto, mmap, it was measured with version 0.0.0", "now, many, auto, mmap, it is damaged",
            "now, 999, auto, mmap, threads is 999", "now, 2, sse9, mmap, isa is sse9", "now, 2, auto, tape, --load is 'tape'"})
    void whatCannotBeUsedIsNamedAndIgnored(String library, String threads, String isa, String load, String part)
            throws IOException {
        remember(library.equals("now") ? Kernels.version() : library, threads, isa, load);
        Cli run = tuned(RUN);
        assertTrue(run.err().startsWith("bitnet: " + file + " is ignored: "), run.err());
        assertTrue(run.err().contains(part), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
        assertEquals(Cli.ok(RUN).json().get("threads"), run.json().get("threads"));
    }

    @Test
    void crossoversAreRemembered() throws IOException {
        remember(Kernels.version(), "2", "auto", "mmap", "64");
        assertTrue(tuned("doctor").out().contains("packing from 64"));
        remember(Kernels.version(), "2", "auto", "mmap", "1");
        assertTrue(tuned(RUN).err().contains("it is damaged (pack is 1; it must be 2 to "));
    }

    @Test
    void aFileOfSomethingElseIsDamaged() throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "threads=2\n");
        assertTrue(tuned(RUN).err().contains("it is damaged (it has no cpu)"));
        Files.write(file, new byte[] {(byte) 0xFF, (byte) 0xFE, 0});
        assertTrue(tuned(RUN).err().contains(" is ignored: it cannot be read"));
    }

    @Test
    void settingsAreNotGivenToTheirSearch() {
        for (String given : List.of("-t", "-c")) {
            Cli refused = Cli.runTuned(file, "tune", given, "1");
            assertEquals(2, refused.status());
            assertTrue(refused.err().contains("tune chooses -t, -c, --isa and --load itself"), refused.err());
        }
    }

    @Test
    void whatTheFileAndTheCacheAreIsHeard() {
        for (String option : List.of("--kv", "--tl-tiles", "--i2s-order")) {
            Cli refused = Cli.runTuned(file, "tune", option, "f64");
            assertEquals(2, refused.status());
            assertTrue(refused.err().contains(option) && refused.err().contains("'f64'"), refused.err());
        }
    }
}
