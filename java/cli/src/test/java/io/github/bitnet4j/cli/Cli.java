package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.hub.HubSettings;
import io.github.bitnet4j.hub.ProxyVariables;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** The program as a user sees it, in this process: what it printed and its exit status. Streams are no terminals unless a test says so. */
record Cli(int status, byte[] bytes, String err) {
    /** The root of the repository, which holds {@code models/}. */
    static final Path HOME = Path.of("..", "..").toAbsolutePath().normalize();

    /** No cache, and no network. */
    private static final HubSettings NOWHERE = new HubSettings(URI.create("http://localhost:9"), Path.of("target", "no-cache"),
            Optional.empty(), true, new ProxyVariables(Map.of()), Duration.ZERO, Duration.ofSeconds(1));

    static Cli run(String... arguments) {
        return runWithInput("", arguments);
    }

    static Cli runWithInput(String input, String... arguments) {
        return run(input, Optional.empty(), NOWHERE, false, arguments);
    }

    /** Runs with a hub and a cache; someone may sit at the terminal and answer. */
    static Cli runWithHub(HubSettings hub, String answer, String... arguments) {
        return run(answer, Optional.empty(), hub, !answer.isEmpty(), arguments);
    }

    /** Runs with settings of {@code tune} in a file. */
    static Cli runTuned(Path tuning, String... arguments) {
        return run("", Optional.of(tuning), NOWHERE, false, arguments);
    }

    private static Cli run(String input, Optional<Path> tuning, HubSettings hub, boolean terminal, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), new Output(out),
                new PrintStream(err, true, StandardCharsets.UTF_8), descriptor -> descriptor == 0 && terminal,
                () -> false, Optional.of(HOME), () -> tuning, () -> hub);
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
