package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** The program as a user sees it, in this process: what it printed and its exit status. No stream is a terminal. */
record Cli(int status, byte[] bytes, String err) {
    /** The root of the repository, which holds {@code models/}. */
    static final Path HOME = Path.of("..", "..").toAbsolutePath().normalize();

    static Cli run(String... arguments) {
        return runWithInput("", arguments);
    }

    static Cli runWithInput(String input, String... arguments) {
        return run(input, Optional.empty(), arguments);
    }

    /** Runs with settings of {@code tune} in a file. */
    static Cli runTuned(Path tuning, String... arguments) {
        return run("", Optional.of(tuning), arguments);
    }

    private static Cli run(String input, Optional<Path> tuning, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), new Output(out),
                new PrintStream(err, true, StandardCharsets.UTF_8), descriptor -> false, Optional.of(HOME),
                () -> tuning);
        int status = Main.run(console, arguments);
        return new Cli(status, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
    }

    /** Runs and expects success. */
    static Cli ok(String... arguments) {
        Cli result = run(arguments);
        assertEquals(0, result.status, result.err);
        return result;
    }

    String out() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    JsonNode json() {
        try {
            return new ObjectMapper().readTree(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(out(), e);
        }
    }

    static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }
}
