package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher {@code bitnet} in a checkout of its own, with spaces in its path, where Maven, the compiler and the JDK
 * are little scripts: what it looks for, when it builds, and what it says.
 */
class LauncherTest {
    /** Tools that the launcher and native/build.sh use, and that every system has. */
    private static final List<String> SYSTEM_TOOLS = List.of("sh", "cat", "cut", "date", "dirname", "find",
            "getconf", "grep", "head", "ln", "make", "mkdir", "mv", "readlink", "rm", "sed", "sleep", "sort", "tr",
            "uname");

    private record Outcome(int status, String out, String err) {}

    @TempDir
    private Path temporary;
    private Path checkout;
    private Path tools;
    private Path jdk;

    @BeforeEach
    void makeCheckoutAndTools() throws IOException {
        Path project = Path.of(System.getProperty("user.dir")).resolve("../..").normalize();
        checkout = Files.createDirectories(temporary.resolve("a check out"));
        for (String folder : List.of("native", "bindings", "java/core", "java/cli", "models")) {
            Files.createDirectories(checkout.resolve(folder));
        }
        Files.copy(project.resolve("bitnet"), checkout.resolve("bitnet"));
        Files.copy(project.resolve("native/build.sh"), checkout.resolve("native/build.sh"));
        Files.writeString(checkout.resolve("pom.xml"), "");
        Files.writeString(checkout.resolve("CMakeLists.txt"), "");
        Files.writeString(checkout.resolve("java/core/Source.java"), "");

        tools = Files.createDirectory(temporary.resolve("tools"));
        for (String tool : SYSTEM_TOOLS) {
            Path found = Stream.of(System.getenv("PATH").split(":")).map(folder -> Path.of(folder, tool))
                    .filter(Files::isExecutable).findFirst().orElseThrow(() -> new AssertionError("no " + tool));
            script(tools.resolve(tool), "exec " + found + " \"$@\"");
        }
        script(tools.resolve("cmake"), "echo 'cmake version 3.22.1'");
        script(tools.resolve("gcc"), "sed 's/__GNUC__/12/'");
        script(tools.resolve("mvn"), """
                echo "$JAVA_HOME" >>'%1$s/mvn.calls'
                sleep 0.2
                echo '[INFO] Building bitnet4j: the library 0.1.0                 [4/6]'
                if [ -f '%1$s/mvn.fails' ]; then
                    echo '[ERROR] COMPILATION ERROR : '
                    echo '[ERROR] /x/Source.java:[3,7] cannot find symbol'
                    exit 1
                fi
                mkdir -p '%1$s/java/cli/target'
                echo jar >'%1$s/java/cli/target/bitnet.jar'
                """.formatted(checkout));
        jdk = makeJdk("jdk-25", "25.0.1");
    }

    @Test
    void theFirstUseBuildsAndTheSecondDoesNot() throws Exception {
        Outcome first = launch("run", "-p", "two words");
        assertEquals(0, first.status(), first.toString());
        assertTrue(first.err().contains("bitnet: building"), first.err());
        assertTrue(first.err().contains("bitnet:   bitnet4j: the library\n"), first.err());
        assertTrue(first.out().endsWith("-jar|" + checkout.toRealPath() + "/java/cli/target/bitnet.jar|run|-p|two words|\n"),
                first.out());
        assertTrue(first.out().contains("|-XX:AOTCache=" + checkout.toRealPath() + "/.bitnet/start.aot|"), first.out());
        assertTrue(first.out().contains("|-Dbitnet.home=" + checkout.toRealPath() + "|"), first.out());

        Outcome second = launch("run", "-p", "two words");
        assertEquals(new Outcome(0, first.out(), ""), second);
        assertEquals(1, builds());
    }

    @Test
    void theProgramsExitStatusAndStreamsPassThrough() throws Exception {
        launch();
        assertEquals(7, launch("exit", "7").status());
    }

    @Test
    void aSourceThatChangedIsBuilt() throws Exception {
        launch();
        Files.setLastModifiedTime(checkout.resolve("java/core/Source.java"), FileTime.from(Instant.now().plusSeconds(2)));
        launch();
        assertEquals(2, builds());
    }

    @Test
    void whatTheBuildWritesAndTheTestsReadIsNoSource() throws Exception {
        launch();
        for (String file : List.of("java/core/target/x.class", "java/core/src/test/X.java", "native/target/cmake/x.o")) {
            Files.createDirectories(checkout.resolve(file).getParent());
            Files.writeString(checkout.resolve(file), "");
            Files.setLastModifiedTime(checkout.resolve(file), FileTime.from(Instant.now().plusSeconds(2)));
        }
        launch();
        assertEquals(1, builds());
    }

    @Test
    void aJarThatMavenMadeSinceIsPreparedAgain() throws Exception {
        launch();
        Files.setLastModifiedTime(checkout.resolve("java/cli/target/bitnet.jar"), FileTime.from(Instant.now().plusSeconds(2)));
        launch();
        assertEquals(2, builds());
    }

    @Test
    void linksAndOtherFoldersLeadToTheSameCheckout() throws Exception {
        launch();
        Path folder = Files.createDirectories(temporary.resolve("bin dir"));
        Files.createSymbolicLink(folder.resolve("b1"), Path.of("../a check out/bitnet"));
        Files.createSymbolicLink(folder.resolve("b2"), folder.resolve("b1"));
        Outcome outcome = start(folder, environment(), List.of("./b2", "doctor"));
        assertTrue(outcome.out().endsWith("/java/cli/target/bitnet.jar|doctor|\n"), outcome.toString());
        outcome = start(checkout.resolve("java"), environment(), List.of("sh", "../bitnet", "doctor"));
        assertTrue(outcome.out().endsWith("/java/cli/target/bitnet.jar|doctor|\n"), outcome.toString());
        assertEquals(1, builds());
    }

    @Test
    void firstUsesAtTheSameTimeBuildOnce() throws Exception {
        var outcomes = Stream.generate(() -> (Callable<Outcome>) () -> launch("run")).limit(3).toList();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var outcome : threads.invokeAll(outcomes)) {
                assertEquals(0, outcome.get().status(), outcome.get().toString());
            }
        }
        assertEquals(1, builds());
        assertFalse(Files.exists(checkout.resolve(".bitnet/lock"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void theLockOfAProcessThatDiedIsTakenOver() throws Exception {
        Files.createDirectories(checkout.resolve(".bitnet"));
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.createSymbolicLink(checkout.resolve(".bitnet/lock"), Path.of(Long.toString(dead.pid())));
        assertEquals(0, launch().status());
    }

    @Test
    void anOldJavaHomeGivesWayToTheJdkOnThePath() throws Exception {
        var environment = environment();
        environment.put("JAVA_HOME", makeJdk("jdk-17", "17.0.9").toString());
        Files.createSymbolicLink(tools.resolve("java"), Path.of("../jdk-25/bin/java"));
        Outcome outcome = start(temporary, environment, List.of(checkout.resolve("bitnet").toString(), "run"));
        assertEquals(0, outcome.status(), outcome.toString());
        assertEquals(List.of(jdk.toString()), Files.readAllLines(checkout.resolve("mvn.calls")));
    }

    @Test
    void aMissingOrOldToolIsOneLineThatSaysSo() throws Exception {
        Files.delete(tools.resolve("mvn"));
        assertRefused("no Maven");
        script(tools.resolve("mvn"), "exit 1");

        script(tools.resolve("cmake"), "echo 'cmake version 3.18.4'");
        assertRefused("CMake 3.18.4 is too old (>= 3.22)");
        Files.delete(tools.resolve("cmake"));
        assertRefused("no CMake (>= 3.22)");
        script(tools.resolve("cmake"), "echo 'cmake version 4.0.0'");

        script(tools.resolve("gcc"), "sed 's/__GNUC__/10/'");
        assertRefused("no C compiler (gcc >= 12 or clang >= 14; gcc is gcc 10)");
        script(tools.resolve("gcc"), "exit 1");
        assertRefused("gcc without the headers of libc");
        Files.delete(tools.resolve("gcc"));
        assertRefused("no C compiler (gcc >= 12 or clang >= 14)");
    }

    @Test
    void aFailedBuildSaysWhatMavenObjectedTo() throws Exception {
        Files.writeString(checkout.resolve("mvn.fails"), "");
        Outcome outcome = launch();
        assertEquals(1, outcome.status());
        assertTrue(outcome.err().endsWith("bitnet: error: the build failed: /x/Source.java:[3,7] cannot find symbol (log: "
                + checkout.toRealPath() + "/.bitnet/build.log)\n"), outcome.err());

        Files.delete(checkout.resolve("mvn.fails"));
        assertEquals(0, launch().status());
    }

    private void assertRefused(String reason) throws Exception {
        Outcome outcome = launch("run");
        assertEquals(1, outcome.status(), outcome.toString());
        assertEquals("", outcome.out());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().startsWith("bitnet: error: "), outcome.err());
        assertTrue(outcome.err().contains(reason), outcome.err());
    }

    private long builds() throws IOException {
        return Files.readAllLines(checkout.resolve("mvn.calls")).size();
    }

    private Outcome launch(String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(checkout.resolve("bitnet").toString()));
        command.addAll(List.of(arguments));
        return start(temporary, environment(), command);
    }

    private Map<String, String> environment() {
        return new HashMap<>(Map.of("PATH", tools.toString(), "HOME", temporary.toString(), "JAVA_HOME",
                jdk.toString()));
    }

    private Outcome start(Path folder, Map<String, String> environment, List<String> command) throws Exception {
        Path err = Files.createTempFile(temporary, "stderr", "");
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectError(err.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), out, Files.readString(err));
    }

    /** A java that prints its arguments with bars between them, does what -XX:AOTCacheOutput says, and knows "exit N". */
    private Path makeJdk(String name, String version) throws IOException {
        Path home = temporary.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        script(home.resolve("bin/javac"), "exit 1");
        script(home.resolve("bin/java"), """
                for argument; do
                    case $argument in -XX:AOTCacheOutput=*) echo cache >"${argument#*=}" ;; esac
                    if [ "${previous:-}" = exit ]; then exit "$argument"; fi
                    previous=$argument
                    printf '%s|' "$argument"
                done
                echo
                """);
        return home;
    }

    private static void script(Path file, String body) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
