package io.github.bitnet4j.optimize;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TwoPassHead;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The output head's coarse copy as a tensor, so that the head in two passes need not be packed when the file is opened. */
final class CoarseHead {
    /** Metadata: the tensor that the copy was made from. */
    static final String SOURCE_KEY = "bitnet4j.coarse_head";

    private static final int ALIGNMENT = 64;

    private CoarseHead() {}

    /** Adds the copy behind all tensors, unless the head has a shape that it cannot take. */
    static void add(GgufFile file, Kernels kernels, GgufWriter writer) {
        GgufTensor head = file.tensor("output.weight").orElseGet(() -> file.requireTensor("token_embd.weight"));
        if (!Kernels.fits(GgmlType.D4_R16, head.rows(), head.cols())) {
            return;
        }
        writer.string(SOURCE_KEY, head.name());
        writer.tensor(TwoPassHead.TENSOR, GgmlType.D4_R16, head.dims(), out -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment copy = arena.allocate(GgmlType.D4_R16.byteSize(head.dims()), ALIGNMENT);
                kernels.packHead(head.data(), head.type(), head.rows(), head.cols(), copy);
                TensorData.of(copy).writeTo(out);
            }
        });
    }
}
