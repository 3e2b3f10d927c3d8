package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;

/** Sees, row after row, what decides which weights of a layer's feed-forward block a sparse product reads. */
public interface FeedForwardObserver {
    /** Gates before their activation, f32; valid only during the call. Under a ReLU those that are not positive are closed. */
    void gates(int layer, MemorySegment gates);

    /** The quantised inputs of {@code ffn_down}, int8; valid only during the call. */
    void inputs(int layer, MemorySegment inputs);
}
