package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Architecture.Norm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Describes tensors of a file to the kernels, in place where {@link Repacking} can, after checking that they have the shape the model needs. */
final class Weights {
    /** Types of norms, tables of embeddings and heads. */
    static final List<GgmlType> TABLES = List.of(GgmlType.F16, GgmlType.BF16, GgmlType.F32, GgmlType.Q8_0, GgmlType.Q6_K,
            GgmlType.Q5_0, GgmlType.Q4_K, GgmlType.Q4_0);

    private static final List<GgmlType> VECTORS = List.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16);

    private static final String ROPE_FACTORS = "rope_freqs.weight";

    private final GgufFile file;
    private final Architecture architecture;
    private final Arena arena;
    private final List<MemorySegment> linears = new ArrayList<>();
    private final Kernels kernels;
    private final TernaryLayout layout;
    private final Repacking repacking;

    Weights(GgufFile file, Architecture architecture, Arena arena, Kernels kernels, TernaryLayout layout) {
        this.file = file;
        this.architecture = architecture;
        this.arena = arena;
        this.kernels = kernels;
        this.layout = layout;
        repacking = new Repacking(kernels, arena);
    }

    /** A ternary matrix of any layout, {@code bn_matrix} with its scale. */
    MemorySegment linear(String name, long rows, long cols) {
        GgufTensor tensor = tensor(name, TernaryTensor.TYPES, cols, rows);
        TernaryTensor ternary = TernaryTensor.of(file, tensor, layout);
        MemorySegment matrix = matrix(tensor, ternary.matrix(), repacking::runnable, ternary.scale());
        linears.add(matrix);
        return matrix;
    }

    /** Bytes of linears that lie in memory, as I2_S, because no kernel multiplies them as they are in the file. */
    long repackedBytes() {
        return repacking.bytes();
    }

    /** Every ternary matrix so far, in the order in which they were asked for. */
    List<MemorySegment> linears() {
        return List.copyOf(linears);
    }

    /** An embedding table or output head. */
    MemorySegment table(String name, long rows, long cols) {
        return table(tensor(name, TABLES, cols, rows));
    }

    /** The coarse copy of the output head, where the file carries one. */
    Optional<MemorySegment> coarseHead(long rows, long cols) {
        Optional<GgufTensor> copy = file.tensor(TwoPassHead.TENSOR);
        if (copy.isPresent() && copy.get().type() != GgmlType.D31_R16) {
            throw bad(TwoPassHead.TENSOR, "is a coarse copy as another version of bitnet4j lays it out (type "
                    + copy.get().typeId() + "); optimise the original file again, or use the head as it is (--head exact)");
        }
        return copy.map(stored -> table(tensor(stored.name(), List.of(GgmlType.D31_R16), cols, rows)));
    }

    /** How the names of a layer's tensors begin. */
    static String block(int layer) {
        return "blk." + layer + ".";
    }

    /** Weights of a layer's norm; the null address, which tells the kernels that there is none, if the architecture has none. */
    MemorySegment norm(int layer, Norm norm, long cols) {
        return architecture.tensor(norm).map(name -> vector(block(layer) + name + ".weight", cols)).orElse(MemorySegment.NULL);
    }

    /** A layer's norm, if the architecture has it. */
    Optional<RmsNorm> rmsNorm(int layer, Norm norm, long cols, float epsilon) {
        return architecture.has(norm)
                ? Optional.of(new RmsNorm(kernels, norm(layer, norm, cols), cols, epsilon))
                : Optional.empty();
    }

    /** {@code cols} finite f32 values: those of the file, or made of its halves. */
    MemorySegment vector(String name, long cols) {
        GgufTensor tensor = tensor(name, VECTORS, cols);
        MemorySegment weights = tensor.type() == GgmlType.F32 ? tensor.data() : floats(tensor);
        for (long at = 0; at < weights.byteSize(); at += Float.BYTES) {
            float weight = weights.get(ValueLayout.JAVA_FLOAT, at);
            if (!Float.isFinite(weight)) {
                throw bad(name, "holds " + weight + " as number " + at / Float.BYTES + "; the file is corrupt");
            }
        }
        return weights;
    }

    private MemorySegment floats(GgufTensor tensor) {
        MemorySegment floats = NativeMemory.floats(tensor.cols(), arena);
        kernels.embed(table(tensor), arena.allocate(ValueLayout.JAVA_INT), 1, 1, floats);
        return floats;
    }

    /** What the angles of RoPE are divided by. */
    RopeScaling ropeScaling(ModelConfig config) {
        return new RopeScaling(config.ropeLinearScale(), file.tensor(ROPE_FACTORS)
                .map(tensor -> vector(ROPE_FACTORS, config.ropeDim() / 2)));
    }

    private MemorySegment table(GgufTensor tensor) {
        Matrix matrix = new Matrix(tensor.data(), tensor.type(), tensor.rows(), tensor.cols(), Optional.empty());
        return matrix(tensor, matrix, UnaryOperator.identity(), 1);
    }

    private MemorySegment matrix(GgufTensor tensor, Matrix stored, UnaryOperator<Matrix> runnable, float scale) {
        try {
            kernels.checkMatrix(stored.describe(arena, scale));
            return runnable.apply(stored).describe(arena, scale);
        } catch (BitNetException e) {
            throw new BitNetException(file.path() + ": tensor " + tensor.name() + ": " + e.getMessage(), e);
        }
    }

    private GgufTensor tensor(String name, List<GgmlType> types, long... dims) {
        GgufTensor tensor = file.tensor(name).orElseThrow(() -> bad(name, "is missing"));
        if (!tensor.hasData() || !types.contains(tensor.type())) {
            throw bad(name, "has type " + (tensor.hasData() ? tensor.type() : tensor.typeId()) + "; the kernels take " + types
                    + (types == TernaryTensor.TYPES ? ", as linears must be ternary here" : ""));
        }
        if (!Arrays.equals(tensor.dims(), dims)) {
            throw bad(name, "has dimensions " + Arrays.toString(tensor.dims()) + "; the metadata asks for "
                    + Arrays.toString(dims));
        }
        if (tensor.data().address() % Float.BYTES != 0) {
            throw bad(name, "is not aligned to 4 bytes; write the file with general.alignment 32");
        }
        return tensor;
    }

    BitNetException bad(String name, String problem) {
        return new BitNetException(file.path() + ": tensor " + name + " " + problem);
    }
}
