package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogitsCommandTest {
    private static final int VOCABULARY = 2048;

    @TempDir
    Path folder;

    @Test
    void theFileIsWhatNumpyWrites() throws IOException {
        Path output = folder.resolve("logits.npy");
        assertEquals(5, Cli.ok("logits", "-p", "KING RICHARD III:\n", "-o", output.toString(), "--json").json().get("tokens").asInt());
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(output)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals("\u0093NUMPY\1\0", StandardCharsets.ISO_8859_1.decode(file.slice(0, 8)).toString());
        int header = 10 + file.getShort(8);
        assertEquals(0, header % 64);
        assertEquals("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2048), }",
                StandardCharsets.US_ASCII.decode(file.slice(10, header - 10)).toString().strip());
        assertEquals('\n', file.get(header - 1));
        assertEquals(header + 5 * VOCABULARY * Float.BYTES, file.limit());
        FloatBuffer logits = file.position(header).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        assertEquals(73, likeliest(logits, 4)); // the first golden token
    }

    private static int likeliest(FloatBuffer logits, int row) {
        int best = 0;
        for (int i = 1; i < VOCABULARY; i++) {
            best = logits.get(row * VOCABULARY + i) > logits.get(row * VOCABULARY + best) ? i : best;
        }
        return best;
    }

    @Test
    void theHeaderGrowsByWholeBlocks() {
        for (long rows = 1; rows < 1L << 40; rows *= 10) {
            byte[] header = NpyWriter.header(NpyWriter.Type.FLOAT32, rows, 128256);
            assertEquals(0, header.length % 64);
            assertTrue(new String(header, StandardCharsets.ISO_8859_1).endsWith("\n"));
        }
    }
}
