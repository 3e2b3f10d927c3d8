package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;

/** Receives the logits of a forward pass, row after row, in the order of the batch. */
@FunctionalInterface
public interface LogitsConsumer {
    /**
     * @param row    index of the row in the batch
     * @param logits vocabulary f32 values; valid only during the call
     */
    void accept(int row, MemorySegment logits);
}
