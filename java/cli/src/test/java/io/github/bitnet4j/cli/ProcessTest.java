package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What needs a process of its own: signals, closed pipes, a library that does not load. */
class ProcessTest {
    private static ProcessBuilder bitnet(List<String> jvm, String... arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Dbitnet.home=" + Cli.HOME, "-cp", System.getProperty("java.class.path")));
        command.addAll(jvm);
        command.add(Main.class.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command);
    }

    private static int await(Process process) throws InterruptedException {
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        return process.exitValue();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aSignalEndsTheTextCleanly() throws IOException, InterruptedException {
        Process process = bitnet(List.of(), "run", "-p", "ROMEO:", "-n", "-1", "-c", "100000", "--ignore-eos").start();
        process.getInputStream().readNBytes(20);
        process.toHandle().destroy(); // SIGTERM, which goes the way of SIGINT
        String rest = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(128 + 15, await(process), err);
        assertTrue(err.contains("end: cancelled"), err);
        assertTrue(rest.length() < 100_000, rest);
    }

    @Test
    void aClosedPipeEndsQuietly() throws IOException, InterruptedException {
        Process process = bitnet(List.of(), "run", "-p", "ROMEO:", "-n", "-1", "-c", "512", "--ignore-eos").start();
        process.getInputStream().readNBytes(10);
        process.getInputStream().close();
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, await(process), err);
        assertEquals("", err);
    }

    @Test
    void theDoctorWorksWithoutTheLibrary() throws IOException, InterruptedException {
        Process process = bitnet(List.of("-Dbitnet.library=/nowhere/libbitnet.so"), "doctor").start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(1, await(process), err);
        assertTrue(out.contains("/nowhere/libbitnet.so: there is no such file") && out.contains("jdk"), out);
        assertTrue(err.startsWith("bitnet: error: ") && err.lines().count() == 1, err);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theSummaryIsALineOfItsOwn() throws IOException, InterruptedException {
        Process process = bitnet(List.of(), "run", "-p", "ROMEO:", "-n", "8", "--temp", "0").redirectErrorStream(true).start();
        List<String> lines = process.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertEquals(0, await(process));
        assertTrue(lines.getLast().startsWith("prompt: 3 tokens"), lines.toString());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatIsInterruptedLeavesNoFileBehind(@TempDir Path folder) throws IOException, InterruptedException {
        Process process = bitnet(List.of(), "synth", folder.resolve("large.gguf").toString(), "--preset", "2b-4t").start();
        while (process.isAlive() && isEmpty(folder)) {
            Thread.sleep(20);
        }
        process.toHandle().destroy();
        assertEquals(128 + 15, await(process));
        assertTrue(isEmpty(folder));
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    /** A conversion holds a tensor at a time, whatever the size of the model: here 80 MB, with a heap of 16. */
    @Test
    void aConversionNeedsLittleMemory(@TempDir Path folder) throws IOException, InterruptedException {
        Path model = folder.resolve("model.gguf");
        Path copy = folder.resolve("copy.gguf");
        SynthSpec spec = SynthSpec.builder().hidden(1024).ffn(4096).heads(16, 4, 64).layers(8).vocab(24_000).build();
        Synth.write(spec, model);
        assertTrue(Files.size(model) > 80_000_000, "a model of " + Files.size(model) + " bytes");
        Process process = bitnet(List.of("-Xmx16m", "-XX:MaxDirectMemorySize=16m"), "convert", model.toString(), "-o", copy.toString(),
                "--type", "tq1_0", "--head", "q6_k").start();
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, await(process), err);
        assertTrue(Files.size(copy) > 20_000_000, "a copy of " + Files.size(copy) + " bytes");
    }

    @Test
    void outputIsUtf8InEveryLocale() throws IOException, InterruptedException {
        ProcessBuilder builder = bitnet(List.of("-Dstdout.encoding=US-ASCII"), "tokenize", "--decode", "--jsonl", "-");
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        try (var input = process.getOutputStream()) {
            input.write(Cli.ok("tokenize", "-p", "café – 😀", "--no-bos").bytes());
        }
        assertEquals("\"café – 😀\"\n", new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        assertEquals(0, await(process));
    }
}
