package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.convert.TableEncoder;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TwoPassHead;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The output head of an optimised file: the model's own, or quantised as {@code output.weight}; and its coarse copy as a
 * tensor, so that the head in two passes need not be packed when the file is opened. Embeddings stay as they are.
 *
 * @param name of its tensor
 * @param own  whether the model has it as it is
 */
record OutputHead(String name, GgmlType type, long[] dims, MemorySegment data, boolean own) {
    /** Metadata: the tensor that the coarse copy was made from. */
    static final String SOURCE_KEY = "bitnet4j.coarse_head";

    private static final String UNTIED = "output.weight";
    private static final int ALIGNMENT = 64;

    /** The model's own. */
    static OutputHead of(GgufFile file) {
        GgufTensor head = file.tensor(UNTIED).orElseGet(() -> file.requireTensor("token_embd.weight"));
        return new OutputHead(head.name(), head.type(), head.dims(), head.data(), true);
    }

    /**
     * The model's own in another type.
     *
     * @throws BitNetException if the type cannot hold it
     */
    OutputHead quantized(GgmlType target, Arena arena) {
        if (target == type) {
            return this;
        }
        TableEncoder encoder = TableEncoder.of(target);
        encoder.requireFit(name, type, dims[0]);
        MemorySegment quantized = arena.allocate(target.byteSize(dims), ALIGNMENT);
        encoder.encode(type, data, dims[0], quantized);
        return new OutputHead(UNTIED, target, dims, quantized, false);
    }

    /** Whether it takes the place of this tensor. */
    boolean replaces(GgufTensor tensor) {
        return !own && tensor.name().equals(name);
    }

    /** Adds it behind all tensors, if the model has it otherwise, and its coarse copy, unless it has a shape that cannot have one. */
    void add(Kernels kernels, GgufWriter writer) {
        if (!own) {
            writer.tensor(name, type, dims, TensorData.of(data));
        }
        if (!Kernels.fits(GgmlType.D31_R16, dims[1], dims[0])) {
            return;
        }
        writer.string(SOURCE_KEY, name);
        writer.tensor(TwoPassHead.TENSOR, GgmlType.D31_R16, dims, out -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment copy = arena.allocate(GgmlType.D31_R16.byteSize(dims), ALIGNMENT);
                kernels.packHead(data, type, dims[1], dims[0], copy);
                TensorData.of(copy).writeTo(out);
            }
        });
    }
}
