package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_quantized;
import java.lang.foreign.MemorySegment;

/**
 * Rows that are normed, quantised and multiplied by ternary matrices which share them.
 *
 * @param norm      the norm's weights; the null address for none
 * @param quantized {@code bn_quantized}, what the rows become
 */
record BitLinear(MemorySegment norm, float epsilon, MemorySegment quantized, Products products) {
    /** @param x {@code n} rows, side by side */
    void compute(Kernels kernels, MemorySegment x, int n) {
        kernels.quantize(x, n, bn_quantized.cols(quantized), norm, epsilon, quantized);
        kernels.linear(products, quantized, n);
    }
}
