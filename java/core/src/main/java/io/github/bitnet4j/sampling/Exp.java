package io.github.bitnet4j.sampling;

/**
 * e^x for x <= 0 in plain float arithmetic: {@code Math.exp} may differ in the last bit between JVMs, and then a seed would not mean
 * the same text. 2^n times a polynomial on |r| <= ln(2)/2 (Cephes {@code expf}); relative error below 2e-7, 0 where the result would
 * not be a normal float.
 */
final class Exp {

    private static final float LEAST = -87.0f;
    private static final float LOG2_E = 1.44269504f;
    /** ln(2) in two parts, the first of few bits, so that n times it is exact. */
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23: adding and subtracting it rounds to an integer. */
    private static final float ROUND = 12582912f;

    private Exp() {}

    static float exp(float x) {
        float in = Math.max(x, LEAST);
        float n = in * LOG2_E + ROUND - ROUND;
        float r = in - n * LN2_HIGH - n * LN2_LOW;
        float p = 1.9875691500e-4f;
        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * r * r + r + 1;
        float e = p * Float.intBitsToFloat((int) n + 127 << 23);
        return x < LEAST ? 0 : e;
    }
}
