package io.github.bitnet4j.convert;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Matrix;
import io.github.bitnet4j.model.TlTiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Writes a model file with its ternary weights in another format: I2_S, TL1 or TL2, from any of them. No weight and no
 * scale changes, so that a file converted there and back holds the same tensors bit for bit; everything else is copied.
 */
public final class GgufConverter {
    /** The formats that it reads and writes. */
    public static final List<GgmlType> TYPES = List.of(GgmlType.I2_S, GgmlType.TL1, GgmlType.TL2);

    /** A cache line, so that kernels read whole ones. */
    private static final int ALIGNMENT = 64;
    private static final int GGUF_VERSION = 3;

    private final GgufFile file;
    private final GgmlType type;
    private final TlTiles sourceTiles;
    private final TlTiles targetTiles;
    private final Kernels kernels;

    private GgufConverter(GgufFile file, GgmlType type, TlTiles tiles, Kernels kernels) {
        this.file = file;
        this.type = type;
        this.kernels = kernels;
        boolean silent = TlTiles.of(file).equals(TlTiles.UNKNOWN)
                && file.tensors().stream().anyMatch(tensor -> ternary(tensor) && tensor.type() != GgmlType.I2_S);
        sourceTiles = silent ? tiles : TlTiles.of(file);
        targetTiles = silent ? TlTiles.UNKNOWN : tiles;
    }

    /**
     * Converts a file. The copy appears when it is complete.
     *
     * @param tiles    of a file of TL1 or TL2 that does not record its own, otherwise of the result; where nothing is said
     *                 about a shape, the result gets {@link TlTiles#usual}
     * @param kernels  repack on their threads
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if there is nothing to convert, the type or the tiles do not fit a tensor, or a weight is none
     *                         of -1, 0 and 1
     * @throws IOException     if the copy cannot be written
     */
    public static void write(GgufFile file, Path target, GgmlType type, TlTiles tiles, Kernels kernels,
                             GgufWriter.Progress progress) throws IOException {
        if (file.tensors().stream().noneMatch(GgufConverter::ternary)) {
            throw new BitNetException(file.path() + " holds no tensors of type " + TYPES + "; there is nothing to convert");
        }
        if (Files.exists(target) && Files.isSameFile(file.path(), target)) {
            throw new BitNetException(target + " is the model itself; choose another name");
        }
        new GgufConverter(file, type, tiles, kernels).writer().write(target, progress);
    }

    private static boolean ternary(GgufTensor tensor) {
        return TYPES.contains(tensor.type()) && tensor.rank() == 2;
    }

    private GgufWriter writer() {
        GgufWriter writer = new GgufWriter(GGUF_VERSION, ALIGNMENT);
        file.metadata().asMap().forEach((key, value) -> {
            if (!key.equals("general.alignment") && !key.equals(TlTiles.KEY)) {
                writer.value(key, value);
            }
        });
        Map<TlTiles.Shape, TlTiles.Tiles> used = new TreeMap<>();
        for (GgufTensor tensor : file.tensors()) {
            if (!ternary(tensor)) {
                writer.tensor(tensor.name(), tensor.type(), tensor.dims(), TensorData.of(tensor.data()));
                continue;
            }
            checkSource(tensor);
            Optional<TlTiles.Tiles> tiles = tiles(tensor);
            tiles.ifPresent(t -> used.put(new TlTiles.Shape(tensor.rows(), tensor.cols()), t));
            if (!fits(type, tensor.rows(), tensor.cols())) {
                throw bad(tensor, "it has " + tensor.rows() + " rows of " + tensor.cols() + " weights, which " + type
                        + " cannot have; I2_S takes columns by 32, TL1 rows by 32 and columns by 4, TL2 rows and "
                        + "columns by 32 and 256 columns at least");
            }
            writer.tensor(tensor.name(), type, tensor.dims(), out -> write(tensor, tiles, out));
        }
        if (!used.isEmpty()) {
            writer.string(TlTiles.KEY, new TlTiles(used, Optional.empty()).toString());
        }
        return writer;
    }

    private static boolean fits(GgmlType type, long rows, long cols) {
        return type == GgmlType.I2_S ? I2sRows.fits(rows, cols) : Kernels.fits(type, rows, cols);
    }

    /** Before anything is written. */
    private void checkSource(GgufTensor tensor) {
        try {
            sourceTiles.of(tensor);
        } catch (BitNetException e) {
            throw bad(tensor, e.getMessage());
        }
    }

    /** Of the result. */
    private Optional<TlTiles.Tiles> tiles(GgufTensor tensor) {
        return type == GgmlType.I2_S ? Optional.empty()
                : targetTiles.of(tensor.rows(), tensor.cols()).or(() -> Optional.of(TlTiles.usual(type, tensor.rows(), tensor.cols())));
    }

    private void write(GgufTensor tensor, Optional<TlTiles.Tiles> tiles, WritableByteChannel out) throws IOException {
        long weights = tensor.byteSize() - GgmlType.SCALE_BYTES;
        try (Arena arena = Arena.ofConfined()) {
            Matrix matrix = Matrix.of(tensor, sourceTiles.of(tensor), arena);
            if (matrix.type() != GgmlType.I2_S) {
                matrix = repacked(matrix, GgmlType.I2_S, Optional.empty(), arena);
            }
            MemorySegment data = type == GgmlType.I2_S ? joined(matrix, arena) : repacked(matrix, type, tiles, arena).data();
            TensorData.of(data.asSlice(0, type.byteSize(tensor.dims()) - GgmlType.SCALE_BYTES)).writeTo(out);
        } catch (BitNetException e) {
            throw bad(tensor, e.getMessage());
        }
        TensorData.of(tensor.data().asSlice(weights, GgmlType.SCALE_BYTES)).writeTo(out);
    }

    private Matrix repacked(Matrix from, GgmlType to, Optional<TlTiles.Tiles> tiles, Arena arena) {
        MemorySegment data = arena.allocate(Kernels.bytes(to, from.rows(), from.cols()), ALIGNMENT);
        kernels.repack(from, to, tiles, data);
        return new Matrix(data, to, from.rows(), from.cols(), tiles);
    }

    /** I2_S as a file holds it. */
    private static MemorySegment joined(Matrix matrix, Arena arena) {
        if (I2sRows.inPlace(matrix.cols())) {
            return matrix.data();
        }
        MemorySegment data = arena.allocate(matrix.rows() * matrix.cols() / 4, ALIGNMENT);
        I2sRows.join(matrix.data(), matrix.rows(), matrix.cols(), data);
        return data;
    }

    private BitNetException bad(GgufTensor tensor, String problem) {
        return new BitNetException(file.path() + ": tensor " + tensor.name() + ": " + problem);
    }
}
