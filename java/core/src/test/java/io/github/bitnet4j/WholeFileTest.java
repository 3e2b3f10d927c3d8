package io.github.bitnet4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
    @TempDir
    private Path folder;

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theNameNeverHoldsHalfAFile() throws IOException {
        Path target = folder.resolve("f");
        Files.writeString(target, "old");
        try (WholeFile file = new WholeFile(target)) {
            file.write(ByteBuffer.wrap(new byte[] {'n', 'e'}));
            assertEquals("old", Files.readString(target));
            file.write(ByteBuffer.wrap(new byte[] {'w'}));
            assertEquals(3, file.position());
            file.complete();
            assertEquals("new", Files.readString(target));
        }
        assertEquals(List.of(target), files());
    }

    @Test
    void whatIsNotCompletedLeavesNothingBehind() throws IOException {
        try (WholeFile file = new WholeFile(folder.resolve("f"))) {
            file.write(ByteBuffer.allocate(10));
            assertFalse(files().isEmpty());
        }
        assertEquals(List.of(), files());
    }

    /** A rename would put a file in the place of the device. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void devicesAreWrittenToAndNotReplaced() throws IOException {
        WholeFile.write(Path.of("/dev/null"), new byte[10]);
        assertFalse(Files.isRegularFile(Path.of("/dev/null")));
        refused("cannot write /dev/full: No space left on device", Path.of("/dev/full"));
    }

    @Test
    void messagesNameTheFile() {
        refused(folder + " is a directory", folder);
        refused("cannot write " + folder.resolve("none/f") + ": there is no folder " + folder.resolve("none"), folder.resolve("none/f"));
    }

    private static void refused(String message, Path target) {
        assertEquals(message, assertThrows(IOException.class, () -> WholeFile.write(target, new byte[1])).getMessage());
        assertTrue(Files.exists(target) || !Files.exists(target.getParent()));
    }
}
