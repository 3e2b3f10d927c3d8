package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.bindings.bn_top;
import io.github.bitnet4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * An output head with a coarse copy: {@code bn_matmul_top}, whose proof is in docs/two-pass-head.md. Several rows share one
 * reading of the copy.
 */
public final class TwoPassHead {
    /** The tensor that holds the copy in a file that {@code bitnet optimize} wrote. */
    public static final String TENSOR = "output_coarse.weight";

    /** Rows that are packed together. */
    private static final long GROUP = 16;
    /** Bytes of a head from which on {@link HeadMode#AUTO} packs a copy: smaller ones are read from caches, and soon. */
    private static final long LARGE = 32L << 20;

    private final Kernels kernels;
    private final MemorySegment head;
    private final MemorySegment coarse;
    private final boolean stored;
    private final long vocabulary;
    private final MemorySegment scratch;
    private final MemorySegment requests;
    private final MemorySegment[] request;
    private final MemorySegment[] found;
    private final MemorySegment[] values;
    private final Arena arena;
    private MemorySegment ids;

    /**
     * @param head   {@code bn_matrix}, as is
     * @param coarse its copy
     * @param stored whether the copy lies in the mapped file
     * @param rows   most rows of logits at a time
     */
    private TwoPassHead(MemorySegment head, MemorySegment coarse, boolean stored, int rows, Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.head = head;
        this.coarse = coarse;
        this.stored = stored;
        this.arena = arena;
        vocabulary = bn_matrix.rows(head);
        scratch = NativeMemory.allocate(BitNetNative.bn_top_scratch(vocabulary, bn_matrix.cols(head), rows), arena);
        requests = bn_top.allocateArray(rows, arena);
        request = new MemorySegment[rows];
        Arrays.setAll(request, i -> bn_top.asSlice(requests, i));
        found = roomForEach(Integer.BYTES);
        values = roomForEach(Float.BYTES);
        for (int i = 0; i < rows; i++) {
            bn_top.found(request[i], found[i]);
            bn_top.values(request[i], values[i]);
        }
        ids = arena.allocate(ValueLayout.JAVA_INT, 64);
    }

    /** For each request room for all outputs; what is not used takes no memory. */
    private MemorySegment[] roomForEach(int bytes) {
        MemorySegment all = NativeMemory.allocateSparse(request.length * vocabulary * bytes, arena);
        MemorySegment[] each = new MemorySegment[request.length];
        Arrays.setAll(each, i -> all.asSlice(i * vocabulary * bytes, vocabulary * bytes));
        return each;
    }

    /**
     * The head in two passes, if the mode says so: with the copy of the file, in place, or with one that is packed now.
     *
     * @param rows most rows of logits at a time
     */
    static Optional<TwoPassHead> of(HeadMode mode, MemorySegment head, Weights weights, int rows, Kernels kernels, Arena arena) {
        if (mode == HeadMode.EXACT) {
            return Optional.empty();
        }
        Optional<MemorySegment> stored = weights.coarseHead(bn_matrix.rows(head), bn_matrix.cols(head));
        if (stored.isPresent() && !isCopy(stored.get(), head, kernels)) {
            throw weights.bad(TENSOR, "is no copy of this model's output head; optimise the original file again, or use the head "
                    + "as it is (--head exact)");
        }
        return stored.or(() -> mode == HeadMode.TWO_PASS || repays(head) ? Optional.of(pack(head, kernels, arena)) : Optional.empty())
                .map(coarse -> new TwoPassHead(head, coarse, stored.isPresent(), rows, kernels, arena));
    }

    /** Whether generating tokens gains more than packing costs, for all but the shortest texts. */
    private static boolean repays(MemorySegment head) {
        long rows = bn_matrix.rows(head);
        long cols = bn_matrix.cols(head);
        return Kernels.bytes(GgmlType.of(bn_matrix.type(head)), rows, cols) >= LARGE && Kernels.fits(GgmlType.D31_R16, rows, cols);
    }

    private static MemorySegment pack(MemorySegment head, Kernels kernels, Arena arena) {
        long rows = bn_matrix.rows(head);
        long cols = bn_matrix.cols(head);
        MemorySegment copy = NativeMemory.allocate(Kernels.bytes(GgmlType.D31_R16, rows, cols), arena);
        kernels.packHead(bn_matrix.data(head), GgmlType.of(bn_matrix.type(head)), rows, cols, copy);
        return new Matrix(copy, GgmlType.D31_R16, rows, cols, Optional.empty()).describe(arena, 1);
    }

    /** Whether the first, the middle and the last rows pack to the very bytes of the copy. */
    private static boolean isCopy(MemorySegment coarse, MemorySegment head, Kernels kernels) {
        long cols = bn_matrix.cols(head);
        GgmlType type = GgmlType.of(bn_matrix.type(head));
        long rowBytes = Kernels.bytes(type, 1, cols);
        long tail = 2 * Kernels.bytes(GgmlType.D31_R16, GROUP, cols) - Kernels.bytes(GgmlType.D31_R16, 2 * GROUP, cols);
        long bitsBytes = bitsBytes(GROUP, cols);
        long groupBytes = Kernels.bytes(GgmlType.D31_R16, GROUP, cols) - tail - bitsBytes;
        long groups = Math.ceilDiv(bn_matrix.rows(head), GROUP);
        MemorySegment rows = bn_matrix.data(head).reinterpret(bn_matrix.rows(head) * rowBytes);
        MemorySegment copy = bn_matrix.data(coarse).reinterpret(groups * (groupBytes + bitsBytes));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packed = NativeMemory.allocate(groupBytes + bitsBytes + tail, arena);
            for (long group : new long[] {0, groups / 2, groups - 1}) {
                long count = Math.min(GROUP, bn_matrix.rows(head) - group * GROUP);
                kernels.packHead(rows.asSlice(group * GROUP * rowBytes), type, count, cols, packed);
                MemorySegment codes = copy.asSlice(group * groupBytes, groupBytes);
                MemorySegment bits = copy.asSlice(groups * groupBytes + group * bitsBytes, bitsBytes);
                if (codes.mismatch(packed.asSlice(0, groupBytes)) >= 0 || bits.mismatch(packed.asSlice(groupBytes, bitsBytes)) >= 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The fourth bits of so many rows, which only those rows need that three bits have left. */
    private static long bitsBytes(long rows, long cols) {
        return Math.ceilDiv(rows, GROUP) * GROUP * cols / Byte.SIZE;
    }

    /** {@code bn_matrix} of the copy if it lies in the mapped file. */
    Optional<MemorySegment> mapped() {
        return stored ? Optional.of(coarse) : Optional.empty();
    }

    /** Bytes that every token reads of the coarse copy. */
    long bytes() {
        long cols = bn_matrix.cols(coarse);
        return Kernels.bytes(GgmlType.D31_R16, vocabulary, cols) - bitsBytes(vocabulary, cols);
    }

    /**
     * Gives the logits that are wanted to those who want them.
     *
     * @param batch whose wanted rows from {@code first} on want some logits, none of them all
     * @param x     the normed hidden states of those rows
     */
    void compute(Batch batch, int first, int count, MemorySegment x) {
        reserve(batch, first, count);
        long used = 0;
        for (int i = 0; i < count; i++) {
            Candidates wanted = batch.candidates(first + i);
            bn_top.count(request[i], Math.min(vocabulary, wanted.largest()));
            request[i].set(ValueLayout.JAVA_LONG, bn_top.ids$offset(), ids.address() + used * Integer.BYTES); // without a slice
            bn_top.id_count(request[i], wanted.namedCount());
            for (int j = 0; j < wanted.namedCount(); j++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, used++, wanted.named(j));
            }
        }
        kernels.matmulTop(head, coarse, requests, x, count, scratch);
        for (int i = 0; i < count; i++) {
            long computed = bn_top.computed(request[i]);
            if (computed == vocabulary) {
                batch.candidates(first + i).take(values[i]);
            } else {
                batch.candidates(first + i).take(found[i], values[i], (int) computed);
            }
        }
    }

    /** Room for the ids that these rows want by name. */
    private void reserve(Batch batch, int first, int count) {
        long needed = 0;
        for (int i = 0; i < count; i++) {
            needed += batch.candidates(first + i).namedCount();
        }
        if (ids.byteSize() < needed * Integer.BYTES) {
            ids = arena.allocate(ValueLayout.JAVA_INT, 2 * needed);
        }
    }
}
