package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The bundled file, damaged: it is refused with a {@link GgufException}, or all that it lists can be read. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CorruptFileTest {
    private static final int FLIPS = 10_000;

    @TempDir
    Path folder;

    private Path path;
    private byte[] intact;
    private int headerBytes;

    @BeforeEach
    void copy() throws IOException {
        intact = Files.readAllBytes(BundledFileTest.SHAKESPEARE);
        path = Files.write(folder.resolve("damaged.gguf"), intact);
        try (GgufFile file = GgufFile.open(path)) {
            headerBytes = (int) file.dataOffset();
        }
    }

    /** The last tensor ends with the file, so every truncation loses something. */
    @Test
    void everyTruncationIsRefused() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (int part = 199; part >= 0; part--) {
                channel.truncate((long) intact.length * part / 200);
                assertThrows(GgufException.class, () -> GgufFile.open(path).close(), part + "/200");
            }
        }
    }

    /** The header is 3 % of the file, so a cut every 1/200 of the header is made as well. */
    @Test
    void everyTruncationInTheHeaderIsRefused() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (int part = 200; part >= 0; part--) {
                channel.truncate((long) headerBytes * part / 200);
                assertThrows(GgufException.class, () -> GgufFile.open(path).close(), part + "/200 of the header");
            }
        }
    }

    /** Eight of ten flips hit the header: a third of those its first kilobyte and the tensor list at its end. */
    @Test
    void everyFlipIsRefusedOrHarmless() throws IOException {
        Random random = new Random(20250101);
        int refused = 0;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (int flip = 0; flip < FLIPS; flip++) {
                int at = switch (random.nextInt(10)) {
                    case 0, 1 -> random.nextInt(intact.length);
                    case 2 -> random.nextInt(1024);
                    case 3, 4 -> headerBytes - 1 - random.nextInt(4096);
                    default -> random.nextInt(headerBytes);
                };
                byte damaged = random.nextBoolean() ? (byte) (intact[at] ^ 1 << random.nextInt(8)) : (byte) random.nextInt();
                channel.write(ByteBuffer.wrap(new byte[] {damaged}), at);
                try (GgufFile file = GgufFile.open(path)) {
                    touch(file);
                } catch (GgufException e) {
                    refused++;
                } catch (Throwable t) {
                    fail("byte " + at + " changed to " + damaged, t);
                }
                channel.write(ByteBuffer.wrap(new byte[] {intact[at]}), at);
            }
        }
        assertTrue(refused > FLIPS / 20, "only " + refused + " flips were noticed: the test does not hit the header");
    }

    /** Reads the ends of every tensor, and of every array. */
    private static void touch(GgufFile file) {
        for (GgufTensor tensor : file.tensors()) {
            if (tensor.hasData()) {
                tensor.data().get(ValueLayout.JAVA_BYTE, 0);
                tensor.data().get(ValueLayout.JAVA_BYTE, tensor.byteSize() - 1);
            }
        }
        for (GgufValue value : file.metadata().asMap().values()) {
            if (value instanceof GgufArray array && array.length() > 0) {
                array.get(0);
                array.get(array.length() - 1);
            } else {
                value.toString();
            }
        }
    }
}
