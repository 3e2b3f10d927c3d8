package io.github.bitnet4j.api;

/**
 * A vector in 8, 4, 2 or 1 bits a number. Codes 0 .. 2^bits - 1 stand for numbers around 0, none of which is 0:
 * <pre>  number = (code - (2^bits - 1) / 2) * step</pre>
 * so that cosines of quantised vectors are those of {@code code - (2^bits - 1) / 2}, without any step. Codes lie side by side,
 * the first in the low bits of a byte: number i in byte {@code i * bits / 8}, from bit {@code i * bits % 8} on.
 *
 * <p>Of the steps {@code i / 64} times the one with which the largest number is a code's, i = 1 .. 64, a vector gets the one with
 * the least squared error: numbers of embeddings differ much in size, and with few bits cutting the largest short serves the
 * others.
 *
 * @param bits  8, 4, 2 or 1
 * @param codes packed
 * @param step  from one code's number to the next one's; 0 of a vector of zeros
 */
public record QuantizedVector(int bits, byte[] codes, float step) {
    private static final int STEPS = 64;

    /** @throws IllegalArgumentException unless bits are 8, 4, 2 or 1 and fill whole bytes */
    public static QuantizedVector of(float[] vector, int bits) {
        requireBits(bits);
        if (vector.length * bits % Byte.SIZE != 0) {
            throw new IllegalArgumentException(vector.length + " numbers of " + bits + " bits fill no whole bytes");
        }
        float largest = 0;
        for (float number : vector) {
            largest = Math.max(largest, Math.abs(number));
        }
        float best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int i = 1; i <= STEPS && largest > 0; i++) {
            float step = (float) (2.0 * largest / ((1 << bits) - 1) * i / STEPS);
            double error = squaredError(vector, bits, step);
            if (error < least) {
                least = error;
                best = step;
            }
        }
        byte[] codes = new byte[vector.length * bits / Byte.SIZE];
        for (int i = 0; i < vector.length; i++) {
            codes[i * bits / Byte.SIZE] |= (byte) (code(vector[i], bits, best) << i * bits % Byte.SIZE);
        }
        return new QuantizedVector(bits, codes, best);
    }

    /** @throws IllegalArgumentException unless it is a number of bits that vectors can have */
    public static void requireBits(int bits) {
        if (bits != 8 && bits != 4 && bits != 2 && bits != 1) {
            throw new IllegalArgumentException("bits is " + bits + "; it must be 8, 4, 2 or 1");
        }
    }

    private static double squaredError(float[] vector, int bits, float step) {
        double sum = 0;
        for (float number : vector) {
            double error = number - number(code(number, bits, step), bits, step);
            sum += error * error;
        }
        return sum;
    }

    private static int code(float number, int bits, float step) {
        int half = 1 << bits - 1;
        return step == 0 ? half : (int) Math.clamp(Math.floor(number / step) + half, 0, 2 * half - 1);
    }

    private static double number(int code, int bits, float step) {
        return (code - ((1 << bits) - 1) / 2.0) * step;
    }

    /** The numbers that the codes stand for. */
    public float[] numbers() {
        float[] numbers = new float[codes.length * Byte.SIZE / bits];
        for (int i = 0; i < numbers.length; i++) {
            int code = codes[i * bits / Byte.SIZE] >> i * bits % Byte.SIZE & (1 << bits) - 1;
            numbers[i] = (float) number(code, bits, step);
        }
        return numbers;
    }
}
