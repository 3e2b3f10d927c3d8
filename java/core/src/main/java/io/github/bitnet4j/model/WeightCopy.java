package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_matrix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Moves matrices from the mapped file to one block on huge pages, in the order in which a pass reads them. */
final class WeightCopy {
    private static final Path MEMORY = Path.of("/proc/meminfo");

    private WeightCopy() {}

    /**
     * Each matrix is copied by the threads that will read it, described at its new place, and its pages of the file are let
     * go, so that memory is not held twice.
     *
     * @param matrices {@code bn_matrix}, described in the mapped file
     * @param arena    owns the copy
     * @throws BitNetException if the system has no huge pages, or not enough memory
     */
    static MemorySegment of(List<MemorySegment> matrices, Kernels kernels, Arena arena, LoadListener listener) {
        HugePages.require(HugePages.STATE);
        long total = matrices.stream().mapToLong(WeightCopy::room).sum();
        requireMemory(total);
        MemorySegment copy = NativeMemory.allocate(total, arena);
        long done = 0;
        for (MemorySegment matrix : matrices) {
            MemorySegment mapped = bn_matrix.data(matrix).reinterpret(bytes(matrix));
            MemorySegment place = copy.asSlice(done, mapped.byteSize());
            kernels.copy(mapped, place);
            bn_matrix.data(matrix, place);
            HugePages.release(mapped);
            done += room(matrix);
            listener.progress(done, total);
        }
        return copy;
    }

    private static long bytes(MemorySegment matrix) {
        return BitNetNative.bn_matrix_bytes(bn_matrix.type(matrix), bn_matrix.rows(matrix), bn_matrix.cols(matrix));
    }

    /** Whole cache lines. */
    private static long room(MemorySegment matrix) {
        return -Math.floorDiv(-bytes(matrix), NativeMemory.ALIGNMENT) * NativeMemory.ALIGNMENT;
    }

    /** Memory that is promised and not there ends a process when it is touched: better a sentence before. */
    private static void requireMemory(long bytes) {
        long available = available();
        if (bytes > available) {
            throw new BitNetException("a copy of the weights on huge pages takes " + (bytes >> 20) + " MiB and the system has "
                    + (available >> 20) + " MiB available; use --load mmap");
        }
    }

    private static long available() {
        try (var lines = Files.lines(MEMORY)) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst().orElse(Long.MAX_VALUE);
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }
}
