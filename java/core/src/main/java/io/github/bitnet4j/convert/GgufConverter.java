package io.github.bitnet4j.convert;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.TernaryTensor;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TwoPassHead;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes a model file with its ternary weights in another format. No weight and no scale changes, so that a file converted
 * there and back holds the same tensors bit for bit, unless the target is F16 or names another head; everything else is
 * copied.
 */
public final class GgufConverter {
    private GgufConverter() {}

    /**
     * Converts a file. The copy appears when it is complete.
     *
     * @param target   its tiles are those of a file of TL1 or TL2 that does not record its own, otherwise of the result
     * @param order    of I2_S in the file
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if there is nothing to convert, the type or the tiles do not fit a tensor, or a weight is none
     *                         of -1, 0 and 1
     * @throws IOException     if the copy cannot be written
     */
    public static void write(GgufFile file, Path copy, TargetFormats target, I2sOrder order, GgufWriter.Progress progress)
            throws IOException {
        if (file.tensors().stream().noneMatch(TernaryTensor::isPublished)) {
            throw new BitNetException(file.path() + " holds no tensors of type " + TernaryTensor.PUBLISHED
                    + "; there is nothing to convert");
        }
        if (file.tensor(TwoPassHead.TENSOR).isPresent()) {
            throw new BitNetException(file.path() + " is optimised: convert the file it was made from");
        }
        if (Files.exists(copy) && Files.isSameFile(file.path(), copy)) {
            throw new BitNetException(copy + " is the model itself; choose another name");
        }
        if (target.head().isPresent() && !Architecture.of(file).map(Architecture::hasHead).orElse(true)) {
            throw new BitNetException(file.path() + " is a model for embeddings, without an output head to convert");
        }
        boolean silent = lacksTiles(file);
        ModelWriter model = new ModelWriter(file.path(), silent ? target.withTiles(TlTiles.UNKNOWN) : target);
        TernaryLayout layout = new TernaryLayout(silent ? target.tiles() : TlTiles.UNKNOWN, order);
        file.metadata().asMap().forEach((key, value) -> {
            if (!ModelWriter.owns(key)) {
                model.metadata().value(key, value);
            }
        });
        file.tensors().forEach(tensor -> add(file, tensor, layout, model));
        model.write(copy, progress);
    }

    /** Whether a file has TL1 or TL2 weights and does not record their tiles. */
    public static boolean lacksTiles(GgufFile file) {
        return TlTiles.of(file).equals(TlTiles.UNKNOWN) && file.tensors().stream()
                .anyMatch(tensor -> tensor.type() == GgmlType.TL1 || tensor.type() == GgmlType.TL2);
    }

    private static void add(GgufFile file, GgufTensor tensor, TernaryLayout layout, ModelWriter model) {
        if (TernaryTensor.isPublished(tensor)) {
            model.linear(tensor.name(), tensor.rows(), tensor.cols(), new Stored(TernaryTensor.of(file, tensor, layout)));
            return;
        }
        switch (tensor.name()) {
            case "token_embd.weight" -> model.embedding(tensor.type(), tensor.rows(), tensor.cols(), tensor.data(), tensor.type());
            case "output.weight" -> model.head(tensor.type(), tensor.rows(), tensor.cols(), tensor.data(), tensor.type());
            default -> model.tensor(tensor.name(), tensor.type(), tensor.dims(), TensorData.of(tensor.data()));
        }
    }

    /** A linear of a file. */
    private record Stored(TernaryTensor ternary) implements ModelWriter.Linear {
        @Override
        public float scale() {
            return ternary.scale();
        }

        @Override
        public void codes(Kernels kernels, MemorySegment i2s) {
            ternary.unpack(kernels, i2s);
            ternary.matrix().data().unload();
        }
    }
}
