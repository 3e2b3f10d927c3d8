package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Half a layer: reads the residual stream, and adds to it. */
sealed interface Block permits AttentionBlock, FeedForwardBlock {
    /**
     * Computes all rows of a batch in the buffers that the block was made with.
     *
     * @param angles of RoPE, for every position of the batch
     */
    void compute(Batch batch, MemorySegment angles, Optional<FeedForwardObserver> observer);
}
