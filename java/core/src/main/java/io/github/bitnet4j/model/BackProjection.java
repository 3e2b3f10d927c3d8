package io.github.bitnet4j.model;

import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Products.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * How a block ends: what a last matrix gives is added to the residual stream.
 * <pre>
 *   x += W . q              or, where the architecture has a norm there,
 *   x += rms(W . q)
 * </pre>
 *
 * @param product the matrix, with its outputs in the residual stream or, to be normed, in {@code branch}
 */
record BackProjection(Products product, Optional<RmsNorm> after, MemorySegment branch, MemorySegment x) {

    static BackProjection of(ModelConfig config, Weights weights, int layer, String matrix, long inputs, Norm norm,
                             Buffers buffers, Arena arena) {
        long hidden = config.hidden();
        Optional<RmsNorm> after = weights.rmsNorm(layer, norm, hidden, config.epsilon());
        MemorySegment weight = weights.linear(Weights.block(layer) + matrix + ".weight", hidden, inputs);
        MemorySegment x = buffers.x().all();
        Product product = after.isPresent()
                ? new Product(weight, buffers.branch(), hidden, false)
                : new Product(weight, x, hidden, true);
        return new BackProjection(Products.of(arena, product), after, buffers.branch(), x);
    }

    /** @param quantized {@code bn_quantized} of {@code n} rows */
    void compute(Kernels kernels, MemorySegment quantized, int n) {
        kernels.linear(product, quantized, n);
        if (after.isPresent()) {
            after.get().add(branch, n, x);
        }
    }
}
