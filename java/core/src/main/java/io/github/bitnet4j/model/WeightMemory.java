package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;

/**
 * Where the weights of an open model lie.
 *
 * @param mode          how they came there
 * @param bytes         the copy, or all tensors of the mapped file
 * @param repackedBytes of ternary weights that became I2_S in memory, as no kernel multiplies them as the file holds them
 */
public record WeightMemory(LoadMode mode, MemorySegment bytes, long repackedBytes) {

    /** How much of a copy lies on huge pages now, as the system counts it; 0 for a mapped file. */
    public long hugeBytes() {
        return mode == LoadMode.MMAP ? 0 : HugePages.resident(bytes);
    }
}
