package io.github.bitnet4j.sampling;

/**
 * A random generator of one long of state, written out here so that a seed means the same on every JVM. Source: Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; constants as in Vigna's {@code splitmix64.c}.
 */
final class SplitMix64 {

    private long state;

    SplitMix64(long seed) {
        state = seed;
    }

    long nextLong() {
        long z = state += 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    /** @return uniform in [0, 1), a multiple of 2^-53 */
    double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }
}
