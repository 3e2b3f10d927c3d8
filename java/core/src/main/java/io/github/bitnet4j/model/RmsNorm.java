package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;

/** A norm of rows of {@code cols}, with its weights. */
record RmsNorm(Kernels kernels, MemorySegment weight, long cols, float epsilon) {
    /** The {@code n} rows of {@code y} become those of {@code x}, normed; the two may be the same. */
    void compute(MemorySegment x, long n, MemorySegment y) {
        kernels.rmsNorm(x, n, cols, weight, epsilon, y, false);
    }

    /** Adds them. */
    void add(MemorySegment x, long n, MemorySegment y) {
        kernels.rmsNorm(x, n, cols, weight, epsilon, y, true);
    }
}
