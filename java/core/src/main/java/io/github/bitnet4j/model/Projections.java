package io.github.bitnet4j.model;

import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Products.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a block begins: linears that read the residual stream.
 * <pre>
 *   y_i = W_i . quantize(rms(x))             one norm for all
 *   y_i = W_i . quantize(rms_i(rms(x)))      and one more for each, where the architecture has such
 * </pre>
 *
 * @param shared  the norm before norms of their own
 * @param normed  what it gives
 * @param linears one for all, or one for each matrix
 */
record Projections(Optional<RmsNorm> shared, MemorySegment normed, BitLinear... linears) {

    /** A matrix with the norm that it may have for itself. */
    record Input(Norm norm, Product product) {}

    static Projections of(ModelConfig config, Weights weights, int layer, Norm norm, Buffers buffers, Arena arena,
                          Input... inputs) {
        long hidden = config.hidden();
        float epsilon = config.epsilon();
        if (!config.architecture().has(inputs[0].norm())) {
            Product[] products = Arrays.stream(inputs).map(Input::product).toArray(Product[]::new);
            return new Projections(Optional.empty(), buffers.branch(), new BitLinear(weights.norm(layer, norm, hidden), epsilon,
                    buffers.quantizedHidden(), Products.of(arena, products)));
        }
        return new Projections(weights.rmsNorm(layer, norm, hidden, epsilon), buffers.branch(), Arrays.stream(inputs)
                .map(input -> new BitLinear(weights.norm(layer, input.norm(), hidden), epsilon, buffers.quantizedHidden(),
                        Products.of(arena, input.product())))
                .toArray(BitLinear[]::new));
    }

    /** @param x {@code n} rows, side by side */
    void compute(Kernels kernels, MemorySegment x, int n) {
        MemorySegment rows = x;
        if (shared.isPresent()) {
            shared.get().compute(x, n, normed);
            rows = normed;
        }
        for (BitLinear linear : linears) {
            linear.compute(kernels, rows, n);
        }
    }
}
