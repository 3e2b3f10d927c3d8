package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_quantized;
import io.github.bitnet4j.model.Architecture.Activation;
import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Products.Product;
import io.github.bitnet4j.model.Projections.Input;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * <pre>
 *   g, u = Wgate, Wup . quantize(rms(x))            {@link Projections}
 *   x   += Wdown . quantize(rms(act(g) * u))        {@link BackProjection}
 * </pre>
 * Norms are where the architecture has them.
 * With one row, {@code gateUpOfOne} takes the place of {@code gateUp}: where a ReLU closes a gate, the row of up need not be
 * read, and of I2_S is not.
 */
final class FeedForwardBlock {
    private final Kernels kernels;
    private final Buffers buffers;
    private final int layer;
    private final Activation activation;
    private final int width;
    private final float epsilon;
    private final Projections gateUp;
    private final Projections gateUpOfOne;
    private final MemorySegment outputNorm;
    private final BackProjection down;

    FeedForwardBlock(ModelConfig config, Weights weights, int layer, Buffers buffers, Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.buffers = buffers;
        this.layer = layer;
        activation = config.activation();
        width = config.feedForward();
        epsilon = config.epsilon();
        String block = Weights.block(layer);
        long hidden = config.hidden();
        long stride = buffers.gateUpStride();
        Input gate = new Input(Norm.GATE,
                new Product(weights.linear(block + "ffn_gate.weight", width, hidden), buffers.gate(), stride, false));
        MemorySegment up = weights.linear(block + "ffn_up.weight", width, hidden);
        gateUp = Projections.of(config, weights, layer, Norm.FEED_FORWARD, buffers, arena, gate,
                new Input(Norm.UP, new Product(up, buffers.up(), stride, false)));
        gateUpOfOne = activation == Activation.RELU2
                ? Projections.of(config, weights, layer, Norm.FEED_FORWARD, buffers, arena, gate,
                        new Input(Norm.UP, new Product(up, buffers.up(), stride, false, buffers.gate())))
                : gateUp;
        outputNorm = weights.norm(layer, Norm.FEED_FORWARD_OUTPUT, width);
        down = BackProjection.of(config, weights, layer, "ffn_down", width, Norm.AFTER_FEED_FORWARD, buffers, arena);
    }

    /** Adds to the residual stream of {@code n} rows. */
    void compute(int n, Optional<FeedForwardObserver> observer) {
        (n == 1 ? gateUpOfOne : gateUp).compute(kernels, buffers.x().all(), n);
        if (observer.isPresent()) {
            showGates(observer.get(), n);
        }
        kernels.gluQuantize(activation, buffers.gate(), buffers.up(), buffers.gateUpStride(), n, width, outputNorm, epsilon,
                buffers.quantizedFeedForward());
        if (observer.isPresent()) {
            showInputs(observer.get(), n);
        }
        down.compute(kernels, buffers.quantizedFeedForward(), n);
    }

    private void showGates(FeedForwardObserver observer, int n) {
        for (int r = 0; r < n; r++) {
            observer.gates(layer, buffers.gate().asSlice(r * buffers.gateUpStride() * Float.BYTES, width * (long) Float.BYTES));
        }
    }

    private void showInputs(FeedForwardObserver observer, int n) {
        long stride = bn_quantized.stride(buffers.quantizedFeedForward());
        MemorySegment inputs = bn_quantized.q(buffers.quantizedFeedForward()).reinterpret(n * stride);
        for (int r = 0; r < n; r++) {
            observer.inputs(layer, inputs.asSlice(r * stride, width));
        }
    }
}
