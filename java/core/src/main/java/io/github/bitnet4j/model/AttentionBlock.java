package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_attention_shape;
import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Products.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * <pre>
 *   q, k, v = Wq, Wk, Wv . quantize(rms(x))        q, k rotated, k, v into the cache
 *   x      += Wo . quantize(rms(attention))        the norm where the architecture has one
 * </pre>
 */
final class AttentionBlock implements Block {
    private final Kernels kernels;
    private final Buffers buffers;
    private final MemorySegment shape;
    private final long width;
    private final BitLinear queryKeyValue;
    private final BitLinear output;

    AttentionBlock(ModelConfig config, Weights weights, int layer, Buffers buffers, Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.buffers = buffers;
        shape = shape(config, layer, arena);
        String block = Weights.block(layer);
        long hidden = config.hidden();
        width = config.attentionWidth();
        long kvWidth = config.kvWidth();
        long stride = buffers.qkvStride();
        queryKeyValue = new BitLinear(weights.norm(layer, Norm.ATTENTION, hidden), config.epsilon(), buffers.quantizedHidden(),
                Products.of(arena,
                        new Product(weights.linear(block + "attn_q.weight", width, hidden), buffers.query(), stride, false),
                        new Product(weights.linear(block + "attn_k.weight", kvWidth, hidden), buffers.key(), stride, false),
                        new Product(weights.linear(block + "attn_v.weight", kvWidth, hidden), buffers.value(), stride, false)));
        output = new BitLinear(weights.norm(layer, Norm.ATTENTION_OUTPUT, width), config.epsilon(), buffers.quantizedAttention(),
                Products.of(arena, new Product(weights.linear(block + "attn_output.weight", hidden, width), buffers.x().all(),
                        hidden, true)));
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
        bn_attention_shape.scale(shape, (float) (1 / Math.sqrt(config.headDim())));
        return shape;
    }

    @Override
    public void compute(Batch batch, MemorySegment angles, Optional<FeedForwardObserver> observer) {
        int n = batch.size();
        queryKeyValue.compute(kernels, buffers.x().all(), n);
        kernels.ropeStore(shape, batch.rows(), n, angles, buffers.query(), buffers.qkvStride(), buffers.key(), buffers.value(),
                buffers.qkvStride());
        kernels.attention(shape, batch.rows(), n, buffers.query(), buffers.qkvStride(), buffers.attention(), width,
                buffers.scratch());
        output.compute(kernels, buffers.attention(), n);
    }
}
