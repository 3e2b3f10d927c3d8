package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_attention_shape;
import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Products.Product;
import io.github.bitnet4j.model.Projections.Input;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * <pre>
 *   q, k, v = Wq, Wk, Wv . quantize(rms(x))        {@link Projections}; heads of q, k normed; q, k rotated, k, v cached
 *   x      += Wo . quantize(rms(attention))        {@link BackProjection}
 * </pre>
 * Norms are where the architecture has them.
 */
final class AttentionBlock {
    private final Kernels kernels;
    private final Buffers buffers;
    private final MemorySegment shape;
    private final RopeTable rope;
    private final int heads;
    private final int kvHeads;
    private final long width;
    private final long kvWidth;
    private final float epsilon;
    private final Projections queryKeyValue;
    private final Optional<RmsNorm> queryNorm;
    private final Optional<RmsNorm> keyNorm;
    private final MemorySegment outputNorm;
    private final BackProjection output;

    AttentionBlock(ModelConfig config, Weights weights, int layer, RopeTable rope, Buffers buffers, Kernels kernels,
                   Arena arena) {
        this.kernels = kernels;
        this.rope = rope;
        this.buffers = buffers;
        shape = shape(config, layer, arena);
        String block = Weights.block(layer);
        long hidden = config.hidden();
        heads = config.heads();
        kvHeads = config.kvHeads();
        width = config.attentionWidth();
        kvWidth = config.kvWidth();
        epsilon = config.epsilon();
        MemorySegment query = weights.linear(block + "attn_q.weight", width, hidden);
        MemorySegment key = weights.linear(block + "attn_k.weight", kvWidth, hidden);
        MemorySegment value = weights.linear(block + "attn_v.weight", kvWidth, hidden);
        queryKeyValue = Projections.of(config, weights, layer, Norm.ATTENTION, buffers, arena,
                new Input(Norm.QUERY, new Product(query, buffers.query(), width, false)),
                new Input(Norm.KEY, new Product(key, buffers.key(), kvWidth, false)),
                new Input(Norm.VALUE, new Product(value, buffers.value(), kvWidth, false)));
        queryNorm = weights.rmsNorm(layer, Norm.QUERY_HEAD, config.headDim(), epsilon);
        keyNorm = weights.rmsNorm(layer, Norm.KEY_HEAD, config.headDim(), epsilon);
        outputNorm = weights.norm(layer, Norm.ATTENTION_OUTPUT, width);
        output = BackProjection.of(config, weights, layer, "attn_output", width, Norm.AFTER_ATTENTION, buffers, arena);
    }

    /** {@code bn_attention_shape} of a layer. */
    static MemorySegment shape(ModelConfig config, int layer, Arena arena) {
        MemorySegment shape = bn_attention_shape.allocate(arena);
        bn_attention_shape.heads(shape, config.heads());
        bn_attention_shape.kv_heads(shape, config.kvHeads());
        bn_attention_shape.head_dim(shape, config.headDim());
        bn_attention_shape.rope_dim(shape, config.ropeDim());
        bn_attention_shape.rope_style(shape, config.architecture().ropeStyle().ordinal());
        bn_attention_shape.layer(shape, layer);
        bn_attention_shape.window(shape, config.isWindowed(layer) ? config.window().orElseThrow().positions() : 0);
        bn_attention_shape.scale(shape, (float) (1 / Math.sqrt(config.headDim())));
        return shape;
    }

    /** Queries of {@code n} rows into their buffer, keys and values into the rows' caches, all at positions below {@code end}. */
    void project(MemorySegment rows, int n, int end) {
        queryKeyValue.compute(kernels, buffers.x().all(), n);
        if (queryNorm.isPresent()) {
            queryNorm.get().compute(buffers.query(), (long) n * heads, buffers.query());
        }
        if (keyNorm.isPresent()) {
            keyNorm.get().compute(buffers.key(), (long) n * kvHeads, buffers.key());
        }
        kernels.ropeStore(shape, rows, n, rope.upTo(end), buffers.query(), width, buffers.key(), buffers.value(), kvWidth);
    }

    /** Adds to the residual stream what {@code n} rows with queries see in their caches. */
    void attend(MemorySegment rows, int n) {
        kernels.attention(shape, rows, n, buffers.query(), width, buffers.attention(), width, buffers.scratch());
        kernels.quantize(buffers.attention(), n, width, outputNorm, epsilon, buffers.quantizedAttention());
        output.compute(kernels, buffers.quantizedAttention(), n);
    }
}
