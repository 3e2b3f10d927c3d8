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

/** Describes tensors of a file to the kernels, in place where {@link Matrix#of} can, after checking that they have the shape the model needs. */
final class Weights {
    private static final List<GgmlType> TERNARY = List.of(GgmlType.I2_S, GgmlType.I2_R16, GgmlType.I2_C, GgmlType.B3_R16,
            GgmlType.TL1, GgmlType.TL2);

    private static final List<GgmlType> TABLES = List.of(GgmlType.F16, GgmlType.F32, GgmlType.Q8_0, GgmlType.Q6_K, GgmlType.Q4_0);

    private static final String ROPE_FACTORS = "rope_freqs.weight";

    private final GgufFile file;
    private final Architecture architecture;
    private final Arena arena;
    private final List<MemorySegment> linears = new ArrayList<>();
    private final Kernels kernels;
    private final TlTiles tiles;

    /** @param tiles of TL1 and TL2, if they are not those that the file records */
    Weights(GgufFile file, Architecture architecture, Arena arena, Kernels kernels, TlTiles tiles) {
        this.file = file;
        this.architecture = architecture;
        this.arena = arena;
        this.kernels = kernels;
        this.tiles = tiles.or(TlTiles.of(file));
    }

    /** A ternary matrix of any layout, {@code bn_matrix} with its scale, which stands behind the codes. */
    MemorySegment linear(String name, long rows, long cols) {
        GgufTensor tensor = tensor(name, TERNARY, cols, rows);
        float scale = tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, tensor.byteSize() - GgmlType.SCALE_BYTES);
        if (!Float.isFinite(scale)) {
            throw bad(name, "has the scale " + scale + "; the file is corrupt");
        }
        MemorySegment matrix = matrix(tensor, scale);
        linears.add(matrix);
        return matrix;
    }

    /** Every ternary matrix so far, in the order in which they were asked for. */
    List<MemorySegment> linears() {
        return List.copyOf(linears);
    }

    /** An embedding table or output head. */
    MemorySegment table(String name, long rows, long cols) {
        return matrix(tensor(name, TABLES, cols, rows), 1);
    }

    /** The coarse copy of the output head, where the file carries one. */
    Optional<MemorySegment> coarseHead(long rows, long cols) {
        return file.tensor(TwoPassHead.TENSOR).isPresent()
                ? Optional.of(matrix(tensor(TwoPassHead.TENSOR, List.of(GgmlType.D4_R16), cols, rows), 1))
                : Optional.empty();
    }

    /** How the names of a layer's tensors begin. */
    static String block(int layer) {
        return "blk." + layer + ".";
    }

    /** Weights of a layer's norm; the null address, which tells the kernels that there is none, if the architecture has none. */
    MemorySegment norm(int layer, Norm norm, long cols) {
        return architecture.has(norm) ? vector(block(layer) + norm.tensor() + ".weight", cols) : MemorySegment.NULL;
    }

    /** {@code cols} f32 values. */
    MemorySegment vector(String name, long cols) {
        return tensor(name, List.of(GgmlType.F32), cols).data();
    }

    /** What the angles of RoPE are divided by. */
    RopeScaling ropeScaling(ModelConfig config) {
        return new RopeScaling(config.ropeLinearScale(), file.tensor(ROPE_FACTORS)
                .map(tensor -> vector(ROPE_FACTORS, config.ropeDim() / 2)));
    }

    private MemorySegment matrix(GgufTensor tensor, float scale) {
        try {
            MemorySegment matrix = Matrix.of(tensor, tiles.of(tensor), arena).describe(arena, scale);
            kernels.checkMatrix(matrix);
            return matrix;
        } catch (BitNetException e) {
            throw new BitNetException(file.path() + ": tensor " + tensor.name() + ": " + e.getMessage(), e);
        }
    }

    private GgufTensor tensor(String name, List<GgmlType> types, long... dims) {
        GgufTensor tensor = file.tensor(name).orElseThrow(() -> bad(name, "is missing"));
        if (!tensor.hasData() || !types.contains(tensor.type())) {
            throw bad(name, "has type " + (tensor.hasData() ? tensor.type() : tensor.typeId()) + "; the kernels take " + types);
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
