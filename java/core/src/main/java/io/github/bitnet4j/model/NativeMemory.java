package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Large zeroed buffers whose pages become resident when they are first touched. {@link Arena#allocate} writes zeroes
 * at once, which for a KV cache of a long context costs time and memory that a short text never needs; calloc of a
 * large size takes untouched pages from the system, huge ones where it has them and they fit.
 */
final class NativeMemory {
    /** A cache line, and the alignment that kernels prefer. */
    static final long ALIGNMENT = 64;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle CALLOC = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("calloc"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FREE = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("free"),
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

    private NativeMemory() {}

    /** Allocates {@code bytes} zeroed bytes, 64-byte aligned, freed when the arena closes; on huge pages where they fit. */
    static MemorySegment allocate(long bytes, Arena arena) {
        MemorySegment memory = allocate(bytes, bytes < HugePages.SIZE ? ALIGNMENT : HugePages.SIZE, arena);
        HugePages.ask(memory);
        return memory;
    }

    /** The same on small pages: what is touched here and there stays little. */
    static MemorySegment allocateSparse(long bytes, Arena arena) {
        return allocate(bytes, ALIGNMENT, arena);
    }

    private static MemorySegment allocate(long bytes, long alignment, Arena arena) {
        MemorySegment block = calloc(Math.addExact(bytes, alignment));
        if (block.address() == 0) {
            throw new BitNetException("the system refused " + (bytes >> 20) + " MiB of memory; "
                    + "a shorter context (-c) or a smaller batch needs less");
        }
        MemorySegment owned = block.reinterpret(bytes + alignment, arena, NativeMemory::free);
        return owned.asSlice(-block.address() & alignment - 1, bytes);
    }

    static MemorySegment floats(long count, Arena arena) {
        return allocate(Math.multiplyExact(count, Float.BYTES), arena);
    }

    private static MemorySegment calloc(long bytes) {
        try {
            return (MemorySegment) CALLOC.invokeExact(1L, bytes);
        } catch (Throwable e) {
            throw new AssertionError("calloc does not throw", e);
        }
    }

    private static void free(MemorySegment block) {
        try {
            FREE.invokeExact(block);
        } catch (Throwable e) {
            throw new AssertionError("free does not throw", e);
        }
    }
}
