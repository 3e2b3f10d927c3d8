package io.github.bitnet4j.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryLoaderTest {
    private static final String PLATFORM =
            NativeLibraryLoader.platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    private static final NativeLibraryLoader.Resources BUNDLED = NativeLibraryLoader.ofSystem().resources();

    @TempDir
    private Path temporary;

    @Test
    void thePropertyWinsOverTheBundledLibrary() throws IOException {
        Path file = Files.write(temporary.resolve("mine.so"), bundledBytes());
        var loader = new NativeLibraryLoader(Optional.of(file), PLATFORM, List.of(temporary.resolve("cache")), BUNDLED);
        assertEquals(file, loader.load().path());
        assertFalse(Files.exists(temporary.resolve("cache")));
    }

    @Test
    void aPropertyThatNamesNoFileIsAnErrorThatNamesIt() {
        Path file = temporary.resolve("nowhere.so");
        var loader = new NativeLibraryLoader(Optional.of(file), PLATFORM, List.of(temporary), BUNDLED);
        String message = assertThrows(NativeLibraryException.class, loader::load).getMessage();
        assertEquals("-Dbitnet.library=" + file + ": there is no such file", message);
    }

    @Test
    void aBrokenLibraryIsAnErrorWithTheLinkersReason() throws IOException {
        Path file = Files.write(temporary.resolve("broken.so"), brokenLibrary());
        var loader = new NativeLibraryLoader(Optional.of(file), PLATFORM, List.of(temporary), BUNDLED);
        String message = assertThrows(NativeLibraryException.class, loader::load).getMessage();
        assertTrue(message.startsWith("-Dbitnet.library=" + file + ": "), message);
        if (PLATFORM.startsWith("linux-")) {
            assertTrue(message.contains("only ET_DYN and ET_EXEC can be loaded"), message);
        }
    }

    @Test
    void theBundledLibraryIsKeyedByItsHash() throws Exception {
        byte[] library = bundledBytes();
        String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(library));
        Path file = bundled(temporary.resolve("cache")).load().path();
        assertEquals(temporary.resolve("cache").resolve(hash).resolve(NativeLibraryLoader.libraryName(PLATFORM)), file);
        assertArrayEquals(library, Files.readAllBytes(file));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())));
    }

    @Test
    void aCopyThatIsThereIsUsedAsItIs() throws IOException {
        Path file = bundled(temporary).load().path();
        var before = Files.readAttributes(file, "unix:ino");
        assertEquals(file, bundled(temporary).load().path());
        assertEquals(before, Files.readAttributes(file, "unix:ino"));
    }

    @Test
    void aCorruptCopyIsReplaced() throws IOException {
        Path file = bundled(temporary).load().path();
        byte[] corrupt = bundledBytes();
        corrupt[corrupt.length / 2] ^= 1;
        // Replaced, not overwritten: this process has the good copy mapped.
        Files.delete(file);
        Files.write(file, corrupt);
        assertEquals(file, bundled(temporary).load().path());
        assertArrayEquals(bundledBytes(), Files.readAllBytes(file));

        Files.delete(file);
        Files.createFile(file);
        bundled(temporary).load();
        assertArrayEquals(bundledBytes(), Files.readAllBytes(file));
    }

    @Test
    void directoriesThatCannotBeWrittenToArePassedOver() throws IOException {
        Path occupied = Files.writeString(temporary.resolve("file"), "a file where a directory should be");
        Path good = temporary.resolve("good");
        Path file = bundled(Path.of("/proc/bitnet4j"), occupied, occupied.resolve("below"), good).load().path();
        assertTrue(file.startsWith(good), file.toString());
    }

    @Test
    void aDirectoryThatOthersMayWriteToIsPassedOver() throws IOException {
        Path open = Files.createDirectory(temporary.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path good = temporary.resolve("good");
        assertTrue(bundled(open, good).load().path().startsWith(good));
        String message = assertThrows(NativeLibraryException.class, bundled(open)::load).getMessage();
        assertTrue(message.contains("another user can write to " + open), message);
    }

    @Test
    void aDirectoryMountedNoexecIsPassedOver() throws Exception {
        Path mount = Files.createDirectory(temporary.resolve("noexec"));
        Path runtime = Files.createDirectory(temporary.resolve("runtime"));
        // In namespaces of its own, an ordinary user may mount too, where the system allows such namespaces at all.
        var mounting = List.of("unshare", "--map-root-user", "--mount", "sh", "-c",
                "mount -t tmpfs -o noexec none '" + mount + "' || exit 77; exec \"$@\"", "sh");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/unshare")), "no unshare here");
        // The home directory comes between the two, and would do.
        Process process = start(mounting, Map.of("XDG_CACHE_HOME", mount.toString(), "XDG_RUNTIME_DIR", runtime.toString()),
                "-Duser.home=" + mount);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        int status = process.waitFor();
        assumeTrue(status != 77 && !output.startsWith("unshare:"), "may not mount here: " + output);
        assertTrue(Path.of(output).startsWith(runtime), output);
    }

    @Test
    void theErrorNamesEveryCandidateWithItsReason() throws IOException {
        Path occupied = Files.writeString(temporary.resolve("file"), "");
        var broken = new NativeLibraryLoader(Optional.empty(), PLATFORM, List.of(occupied, temporary.resolve("ok")),
                name -> Optional.of(name.endsWith(".sha256") ? new byte[] {'0'} : brokenLibrary()));
        String message = assertThrows(NativeLibraryException.class, broken::load).getMessage();
        assertTrue(message.contains(occupied.toString()), message);
        assertTrue(message.contains("is not a directory"), message);
        assertTrue(message.contains(temporary.resolve("ok").toString()), message);
        if (PLATFORM.startsWith("linux-")) {
            assertTrue(message.contains("only ET_DYN and ET_EXEC can be loaded"), message);
        }
        assertTrue(message.contains("-Dbitnet.library"), message);
        assertEquals(1, message.lines().count());
    }

    @Test
    void aSystemWithoutABundledLibraryIsNamed() {
        var loader = new NativeLibraryLoader(Optional.empty(), "plan9-mips", List.of(temporary), name -> Optional.empty());
        String message = assertThrows(NativeLibraryException.class, loader::load).getMessage();
        assertTrue(message.contains("no libbitnet for plan9-mips"), message);
    }

    @Test
    void systemsAreNamedAsTheBuildNamesThem() {
        assertEquals("linux-x86_64", NativeLibraryLoader.platform("Linux", "amd64"));
        assertEquals("linux-aarch64", NativeLibraryLoader.platform("Linux", "aarch64"));
        assertEquals("macos-aarch64", NativeLibraryLoader.platform("Mac OS X", "aarch64"));
        assertEquals("windows-x86_64", NativeLibraryLoader.platform("Windows 11", "amd64"));
    }

    @Test
    void processesThatCopyAtTheSameTimeAgree() throws Exception {
        var processes = new ArrayList<Process>();
        for (int i = 0; i < 4; i++) {
            processes.add(child(temporary));
        }
        var answers = new ArrayList<String>();
        for (Process process : processes) {
            answers.add(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
            assertEquals(0, process.waitFor(), answers.toString());
        }
        assertEquals(1, Set.copyOf(answers).size(), answers.toString());
        Path file = Path.of(answers.getFirst());
        assertTrue(file.startsWith(temporary), file.toString());
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertEquals(List.of(file), files.toList());
        }
    }

    @Test
    void withoutTheLibraryEveryCallThrowsTheSameException() throws Exception {
        Process process = child(temporary, "-Dbitnet.library=" + temporary.resolve("nowhere.so"));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        String line = "NativeLibraryException: -Dbitnet.library=" + temporary.resolve("nowhere.so")
                + ": there is no such file\n";
        assertEquals(line.repeat(4), output);
    }

    /** What {@link #child} runs: the library's path, or the exception of each of several uses. */
    static final class Child {
        public static void main(String[] arguments) {
            List<Runnable> uses = List.of(NativeLibrary::load, NativeLibrary::load, BitNetNative::bn_version,
                    BitNetNative::bn_version);
            boolean loaded = true;
            for (Runnable use : uses) {
                try {
                    use.run();
                } catch (NativeLibraryException e) {
                    System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
                    loaded = false;
                }
            }
            if (loaded) {
                System.out.println(NativeLibrary.load().path());
            }
        }
    }

    private static Process child(Path cache, String... options) throws IOException {
        return start(List.of(), Map.of("XDG_CACHE_HOME", cache.toString()), options);
    }

    private static Process start(List<String> prefix, Map<String, String> environment, String... options)
            throws IOException {
        var command = new ArrayList<>(prefix);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Child.class.getName()));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static NativeLibraryLoader bundled(Path... directories) {
        return new NativeLibraryLoader(Optional.empty(), PLATFORM, List.of(directories), BUNDLED);
    }

    /** The library with another type in its ELF header: dlopen refuses it, and the JVM has nothing to warn about. */
    private static byte[] brokenLibrary() throws IOException {
        byte[] library = bundledBytes();
        library[16] = 1; // e_type = ET_REL
        return library;
    }

    private static byte[] bundledBytes() throws IOException {
        return BUNDLED.read(PLATFORM + "/" + NativeLibraryLoader.libraryName(PLATFORM)).orElseThrow();
    }
}
