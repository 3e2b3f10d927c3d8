package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.bindings.bn_top;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An output head with a coarse copy: {@code bn_matmul_top}, whose proof is in docs/two-pass-head.md. One row at a time. */
final class TwoPassHead {
    private final Kernels kernels;
    private final int vocabulary;
    private final MemorySegment coarse;
    private final MemorySegment request;
    private final MemorySegment computed;
    private final Arena arena;
    private MemorySegment ids;

    /** Packs the copy, which reads the whole head once; it belongs to the arena. */
    TwoPassHead(MemorySegment head, Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
        long rows = bn_matrix.rows(head);
        long cols = bn_matrix.cols(head);
        vocabulary = (int) rows;
        int type = BitNetNative.BN_TYPE_D4_R16();
        coarse = NativeMemory.allocate(BitNetNative.bn_matrix_bytes(type, rows, cols), arena);
        kernels.coarsePack(head, coarse);
        MemorySegment matrix = bn_matrix.allocate(arena);
        bn_matrix.data(matrix, coarse);
        bn_matrix.rows(matrix, rows);
        bn_matrix.cols(matrix, cols);
        bn_matrix.type(matrix, type);
        bn_matrix.scale(matrix, 1);
        ids = arena.allocate(ValueLayout.JAVA_INT, 64);
        computed = arena.allocate(ValueLayout.JAVA_LONG);
        request = bn_top.allocate(arena);
        bn_top.weight(request, head);
        bn_top.coarse(request, matrix);
        bn_top.scratch(request, NativeMemory.allocate(BitNetNative.bn_top_scratch(rows, cols), arena));
    }

    /** Bytes of the coarse copy. */
    long bytes() {
        return coarse.byteSize();
    }

    /**
     * The logits that are wanted; negative infinity for the others.
     *
     * @param wanted not all; hears how many were computed
     * @param x      the normed hidden state
     * @param logits receives one for each token
     */
    void compute(Candidates wanted, MemorySegment x, MemorySegment logits) {
        if (ids.byteSize() < (long) wanted.size() * Integer.BYTES) {
            ids = arena.allocate(ValueLayout.JAVA_INT, 2L * wanted.size());
        }
        for (int i = 0; i < wanted.size(); i++) {
            ids.setAtIndex(ValueLayout.JAVA_INT, i, wanted.id(i));
        }
        bn_top.count(request, Math.min(vocabulary, wanted.count()));
        bn_top.ids(request, ids);
        bn_top.id_count(request, wanted.size());
        kernels.matmulTop(request, x, logits, computed);
        wanted.computed((int) computed.get(ValueLayout.JAVA_LONG, 0));
    }
}
