package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;

/** Receives what a forward pass computed of each row that was wanted, in the order of the batch, unless {@link Candidates} do. */
@FunctionalInterface
public interface RowConsumer {
    /**
     * @param row    index of the row in the batch
     * @param values f32: its logits, one a vocabulary entry, or its state, as wide as the residual stream; valid only during
     *               the call
     */
    void accept(int row, MemorySegment values);
}
