package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.bindings.bn_top;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An output head with a coarse copy: {@code bn_matmul_top}, whose proof is in docs/two-pass-head.md. Several rows share one
 * reading of the copy.
 */
final class TwoPassHead {
    private final Kernels kernels;
    private final MemorySegment head;
    private final int vocabulary;
    private final MemorySegment copy;
    private final MemorySegment coarse;
    private final MemorySegment scratch;
    private final MemorySegment requests;
    private final Arena arena;
    private MemorySegment ids;

    /**
     * Packs the copy, which reads the whole head once; it belongs to the arena.
     *
     * @param rows most rows of logits at a time
     */
    TwoPassHead(MemorySegment head, int rows, Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.head = head;
        this.arena = arena;
        long cols = bn_matrix.cols(head);
        vocabulary = (int) bn_matrix.rows(head);
        int type = BitNetNative.BN_TYPE_D4_R16();
        copy = NativeMemory.allocate(BitNetNative.bn_matrix_bytes(type, vocabulary, cols), arena);
        kernels.coarsePack(head, copy);
        coarse = bn_matrix.allocate(arena);
        bn_matrix.data(coarse, copy);
        bn_matrix.rows(coarse, vocabulary);
        bn_matrix.cols(coarse, cols);
        bn_matrix.type(coarse, type);
        bn_matrix.scale(coarse, 1);
        scratch = NativeMemory.allocate(BitNetNative.bn_top_scratch(vocabulary, cols, rows), arena);
        requests = bn_top.allocateArray(rows, arena);
        ids = arena.allocate(ValueLayout.JAVA_INT, 64);
    }

    /** Bytes of the coarse copy. */
    long bytes() {
        return copy.byteSize();
    }

    /**
     * The logits that are wanted; negative infinity for the others.
     *
     * @param batch  whose wanted rows from {@code first} on want some logits, none of them all; hears how many were computed
     * @param x      the normed hidden states of those rows
     * @param logits receives a row of the vocabulary for each
     */
    void compute(Batch batch, int first, int count, MemorySegment x, MemorySegment logits) {
        reserve(batch, first, count);
        long used = 0;
        for (int i = 0; i < count; i++) {
            Candidates wanted = batch.candidates(first + i);
            MemorySegment request = bn_top.asSlice(requests, i);
            bn_top.count(request, Math.min(vocabulary, wanted.count()));
            bn_top.ids(request, ids.asSlice(used * Integer.BYTES));
            bn_top.id_count(request, wanted.size());
            for (int j = 0; j < wanted.size(); j++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, used++, wanted.id(j));
            }
        }
        kernels.matmulTop(head, coarse, requests, x, count, logits, vocabulary, scratch);
        for (int i = 0; i < count; i++) {
            batch.candidates(first + i).computed((int) bn_top.computed(bn_top.asSlice(requests, i)));
        }
    }

    /** Room for the ids that these rows want by name. */
    private void reserve(Batch batch, int first, int count) {
        long needed = 0;
        for (int i = 0; i < count; i++) {
            needed += batch.candidates(first + i).size();
        }
        if (ids.byteSize() < needed * Integer.BYTES) {
            ids = arena.allocate(ValueLayout.JAVA_INT, 2 * needed);
        }
    }
}
