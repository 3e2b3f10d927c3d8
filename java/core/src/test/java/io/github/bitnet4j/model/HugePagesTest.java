package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HugePagesTest {
    @TempDir
    private Path folder;

    private Path state(String text) throws IOException {
        return Files.writeString(folder.resolve("enabled"), text);
    }

    @Test
    void aSystemWithoutThemIsRefusedWithTheReason() throws IOException {
        Path never = state("always madvise [never]\n");
        String message = assertThrows(BitNetException.class, () -> HugePages.require(never)).getMessage();
        assertTrue(message.contains("switched off") && message.contains("--load mmap"), message);
        message = assertThrows(BitNetException.class, () -> HugePages.require(folder.resolve("nowhere"))).getMessage();
        assertTrue(message.contains("no transparent huge pages"), message);
        assertDoesNotThrow(() -> HugePages.require(state("always [madvise] never\n")));
        assertDoesNotThrow(() -> HugePages.require(state("[always] madvise never\n")));
    }

    /** Large memory lies on huge pages once it is touched, sparse memory does not, and both begin as zeroes. */
    @Test
    void largeMemoryAsksForThem() throws IOException {
        assumeTrue(Files.exists(HugePages.STATE) && Files.readString(HugePages.STATE).contains("[madvise]"));
        try (Arena arena = Arena.ofConfined()) {
            long bytes = 64L << 20;
            MemorySegment dense = NativeMemory.allocate(bytes, arena);
            MemorySegment sparse = NativeMemory.allocateSparse(bytes, arena);
            assertEquals(0, dense.address() % HugePages.SIZE);
            assertEquals(0, HugePages.resident(dense), "untouched");
            assertEquals(-1, dense.mismatch(sparse), "zeroes");
            dense.fill((byte) 1);
            sparse.fill((byte) 1);
            assertTrue(HugePages.resident(dense) >= bytes / 2, "of " + bytes + ": " + HugePages.resident(dense));
            assertEquals(0, HugePages.resident(sparse));
        }
    }
}
