package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weight by weight, by the formula of the format. */
class I2sRowsTest {
    /** Element e of an order of blocks: byte (e / 128) * 32 + e % 32, bits from 6 - 2 * (e % 128 / 32) on. */
    private static int code(byte[] bytes, int e) {
        return bytes[e / 128 * 32 + e % 32] >> 6 - 2 * (e % 128 / 32) & 3;
    }

    @ParameterizedTest
    @CsvSource({"1, 128", "3, 256", "4, 32", "2, 64", "8, 96", "6, 192", "4, 8640", "4, 160"})
    void everyWeightFindsItsPlace(int rows, int cols) {
        byte[] file = new byte[rows * cols / 4];
        new Random(cols).nextBytes(file);
        byte[] memory = new byte[(int) I2sRows.bytes(rows, cols)];
        I2sRows.spread(MemorySegment.ofArray(file), rows, cols, MemorySegment.ofArray(memory));
        int whole = memory.length * 4 / rows;
        for (int row = 0; row < rows; row++) {
            for (int k = 0; k < whole; k++) {
                int expected = k < cols ? code(file, row * cols + k) : 0;
                assertEquals(expected, code(memory, row * whole + k), "row " + row + ", column " + k);
            }
        }
        byte[] back = new byte[file.length];
        I2sRows.join(MemorySegment.ofArray(memory), rows, cols, MemorySegment.ofArray(back));
        assertArrayEquals(file, back);
        assertEquals(cols % 128 == 0, I2sRows.inPlace(cols));
        if (I2sRows.inPlace(cols)) {
            assertArrayEquals(file, memory);
        }
    }

    @Test
    void impossibleShapes() {
        assertTrue(I2sRows.fits(4, 8640));
        assertFalse(I2sRows.fits(1, 8640));
        assertFalse(I2sRows.fits(128, 100));
        MemorySegment bytes = MemorySegment.ofArray(new byte[128 * 128]);
        assertTrue(assertThrows(BitNetException.class, () -> I2sRows.spread(bytes, 128, 100, bytes)).getMessage()
                .contains("128 rows of 100 weights"));
    }
}
