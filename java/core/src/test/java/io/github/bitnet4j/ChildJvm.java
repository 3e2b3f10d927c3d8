package io.github.bitnet4j;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Runs a main class with the tests' class path in a JVM of its own. */
public final class ChildJvm {
    private ChildJvm() {}

    /** What it printed on standard output; an exit status that is not 0 fails. */
    public static String run(Class<?> main, Path folder, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Xmx64m", "-cp", absoluteClassPath(), main.getName()));
        command.addAll(Arrays.asList(args));
        Process java = new ProcessBuilder(command).directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = java.waitFor();
        if (status != 0) {
            throw new AssertionError(main.getName() + " ended with status " + status + ": " + output);
        }
        return output;
    }

    private static String absoluteClassPath() {
        String separator = System.getProperty("path.separator");
        return Pattern.compile(Pattern.quote(separator)).splitAsStream(System.getProperty("java.class.path"))
                .map(entry -> Path.of(entry).toAbsolutePath().toString()).collect(Collectors.joining(separator));
    }
}
