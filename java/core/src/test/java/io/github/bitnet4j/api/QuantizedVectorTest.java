package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizedVectorTest {
    private static float[] normal(int dimensions) {
        Random random = new Random(dimensions);
        float[] vector = new float[dimensions];
        for (int i = 0; i < dimensions; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return vector;
    }

    private static double cosine(float[] a, float[] b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(aa * bb);
    }

    /** Steps that hit the numbers exactly: every code, and its place in a byte. */
    @Test
    void codesLieSideBySideFromTheLowBitsOn() {
        QuantizedVector two = QuantizedVector.of(new float[] {-1.5f, -0.5f, 0.5f, 1.5f, 1.5f, 1.5f, -1.5f, -1.5f}, 2);
        assertEquals(1, two.step());
        assertArrayEquals(new byte[] {(byte) 0b11_10_01_00, 0b00_00_11_11}, two.codes());
        QuantizedVector one = QuantizedVector.of(new float[] {1, -1, 1, 1, -1, -1, -1, 1}, 1);
        assertArrayEquals(new byte[] {(byte) 0b1000_1101}, one.codes());
        assertArrayEquals(new float[] {1, -1, 1, 1, -1, -1, -1, 1}, one.numbers());
        assertArrayEquals(new byte[] {(byte) 0xF0}, QuantizedVector.of(new float[] {-7.5f, 7.5f}, 4).codes());
        assertArrayEquals(new byte[] {0, (byte) 0xFF}, QuantizedVector.of(new float[] {-127.5f, 127.5f}, 8).codes());
    }

    /** The least error of a uniform quantiser of normal numbers (Max, 1960), as cosine: the root of 1 - error. */
    @ParameterizedTest
    @CsvSource({"8, 0.9999", "4, 0.9942", "2, 0.9386", "1, 0.7979"})
    void fewBitsKeepTheDirection(int bits, double cosine) {
        float[] vector = normal(1 << 14);
        assertEquals(cosine, cosine(vector, QuantizedVector.of(vector, bits).numbers()), 0.004);
    }

    /** One number is as large as half of all others together, as in trained embeddings: with the step it asks for they would vanish. */
    @ParameterizedTest
    @ValueSource(ints = {4, 2})
    void aNumberThatStandsOutIsCutShort(int bits) {
        float[] vector = normal(640);
        vector[1] = 20;
        QuantizedVector quantized = QuantizedVector.of(vector, bits);
        assertTrue(quantized.step() < 0.8 * 2 * 20 / ((1 << bits) - 1), "step " + quantized.step());
        assertTrue(cosine(vector, quantized.numbers()) > 0.75);
    }

    @Test
    void zerosStayZeros() {
        QuantizedVector zeros = QuantizedVector.of(new float[16], 4);
        assertEquals(0, zeros.step());
        assertArrayEquals(new float[16], zeros.numbers());
    }

    @Test
    void otherWidthsAreRefused() {
        assertEquals("bits is 3; it must be 8, 4, 2 or 1", assertThrows(IllegalArgumentException.class,
                () -> QuantizedVector.of(new float[8], 3)).getMessage());
        assertEquals("9 numbers of 4 bits fill no whole bytes", assertThrows(IllegalArgumentException.class,
                () -> QuantizedVector.of(new float[9], 4)).getMessage());
    }
}
