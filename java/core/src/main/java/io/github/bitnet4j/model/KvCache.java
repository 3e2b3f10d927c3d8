package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_kv_cache;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The keys and values of one sequence, all layers; the layout is that of {@code bn_kv_cache}. Pages become
 * resident as positions are written. Not safe for use by two forward passes at once.
 */
public final class KvCache implements AutoCloseable {
    /** Positions that lie side by side in a block of keys. */
    private static final int BLOCK = 16;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment descriptor;
    private final int capacity;

    /**
     * Room for {@code positions} positions of a model. On huge pages it is read faster and resident as a whole from the first
     * position on: that belongs to weights that are too.
     */
    KvCache(ModelConfig config, int positions, KvPrecision precision, LoadMode load) {
        int rounded = Math.ceilDiv(positions, BLOCK) * BLOCK;
        long half = config.kvBytesPerPosition(precision) / 2 * rounded;
        capacity = positions;
        descriptor = bn_kv_cache.allocate(arena);
        try {
            bn_kv_cache.keys(descriptor, allocate(half, load));
            bn_kv_cache.values(descriptor, allocate(half, load));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
        bn_kv_cache.capacity(descriptor, rounded);
        bn_kv_cache.type(descriptor, precision.ordinal());
    }

    private MemorySegment allocate(long bytes, LoadMode load) {
        return load == LoadMode.HUGEPAGES ? NativeMemory.allocate(bytes, arena) : NativeMemory.allocateSparse(bytes, arena);
    }

    /** Positions that fit. */
    public int capacity() {
        return capacity;
    }

    MemorySegment descriptor() {
        return descriptor;
    }

    @Override
    public void close() {
        arena.close();
    }
}
