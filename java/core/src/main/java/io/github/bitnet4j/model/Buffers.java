package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Activations of one batch; widths in floats, rows = batch size. Gate and up share rows. Every slice that a pass needs is
 * made once: a pass allocates nothing on the heap.
 *
 * @param x      the residual stream
 * @param branch rows as wide: what a block reads before norms of its matrices, and gives before its last norm
 */
record Buffers(Rows x, MemorySegment branch, MemorySegment query, MemorySegment key, MemorySegment value,
               MemorySegment attention, MemorySegment gate, MemorySegment up, long gateUpStride, MemorySegment quantizedHidden,
               MemorySegment quantizedAttention, MemorySegment quantizedFeedForward, Rows normed, Rows logits,
               MemorySegment scratch) {

    /** A buffer and its rows. */
    record Rows(MemorySegment all, MemorySegment[] row) {
        static Rows of(int count, long width, Arena arena) {
            MemorySegment all = NativeMemory.floats(count * width, arena);
            MemorySegment[] row = new MemorySegment[count];
            Arrays.setAll(row, i -> all.asSlice(i * width * Float.BYTES, width * Float.BYTES));
            return new Rows(all, row);
        }
    }

    /**
     * @param batchSize most rows of a batch
     * @param logitRows rows whose logits are computed in one product
     * @param positions most positions of a sequence
     * @param threads   that compute
     */
    static Buffers of(ModelConfig config, int batchSize, int logitRows, int positions, int threads, Arena arena) {
        long width = config.attentionWidth();
        long gateUpStride = 2L * config.feedForward();
        long scratch = BitNetNative.bn_attention_scratch(AttentionBlock.shape(config, 0, arena), batchSize, threads, positions);
        MemorySegment gateUp = floats(batchSize, gateUpStride, arena);
        return new Buffers(Rows.of(batchSize, config.hidden(), arena), floats(batchSize, config.hidden(), arena),
                floats(batchSize, width, arena), floats(batchSize, config.kvWidth(), arena),
                floats(batchSize, config.kvWidth(), arena), floats(batchSize, width, arena), gateUp, gateUp.asSlice(gateUpStride / 2 * Float.BYTES), gateUpStride, quantized(batchSize, config.hidden(), arena),
                quantized(batchSize, width, arena), quantized(batchSize, config.feedForward(), arena),
                Rows.of(logitRows, config.hidden(), arena), Rows.of(logitRows, config.vocabulary(), arena),
                NativeMemory.allocate(scratch, arena));
    }

    private static MemorySegment floats(long rows, long width, Arena arena) {
        return NativeMemory.floats(rows * width, arena);
    }

    /** {@code bn_quantized} of as many rows. */
    private static MemorySegment quantized(int rows, long cols, Arena arena) {
        long stride = BitNetNative.bn_quantized_stride(cols);
        MemorySegment quantized = bn_quantized.allocate(arena);
        bn_quantized.q(quantized, NativeMemory.allocate(rows * stride, arena));
        bn_quantized.scale(quantized, NativeMemory.floats(rows, arena));
        bn_quantized.sum(quantized, NativeMemory.floats(rows, arena));
        bn_quantized.cols(quantized, cols);
        bn_quantized.stride(quantized, stride);
        return quantized;
    }
}
