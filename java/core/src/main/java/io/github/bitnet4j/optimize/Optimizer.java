package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.ModelConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Writes a model's ternary tensors in the layouts of docs/formats.md; everything else is copied. The file runs as it is,
 * mapped and not copied, and gives the same results bit for bit.
 * <ul>
 *   <li>I2_R16, sixteen rows interleaved, which a core reads as one sequential run;
 *   <li>I2_S as it is for {@code ffn_up} of models with ReLU²: rows behind a closed gate are not read;
 *   <li>I2_C, by columns, for {@code ffn_down} of models with ReLU²: most of its activations are 0, and those columns are
 *       not read.
 * </ul>
 * A tensor that no layout fits keeps its format. The coarse copy of the output head is added, with which it finds the
 * likeliest tokens in two passes.
 */
public final class Optimizer {
    /** Metadata: which layouts the file has. */
    public static final String LAYOUT_KEY = "bitnet4j.layout";

    /** Whole groups of rows of every layout; their bytes follow each other. */
    private static final int ROWS = 256;
    /** A cache line, so that kernels read whole ones. */
    private static final int ALIGNMENT = 64;
    private static final int GGUF_VERSION = 3;
    /** Codes that are repacked at a time, about. */
    private static final long PIECE_BYTES = 4 << 20;
    private static final int SCALE_BYTES = 32;

    private Optimizer() {}

    /**
     * Writes an optimised copy. The file appears when it is complete.
     *
     * @param kernels  repack on their threads
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if the model is optimised already, holds no I2_S tensors, or holds a code 3
     * @throws IOException     if the copy cannot be written
     */
    public static void write(GgufFile file, Path target, Kernels kernels, GgufWriter.Progress progress) throws IOException {
        write(file, target, Optional.empty(), kernels, progress);
    }

    /**
     * The same with a quantised output head, which changes logits: Q8_0, Q6_K or Q4_0.
     *
     * @param head empty for the head as it is
     */
    public static void write(GgufFile file, Path target, Optional<GgmlType> head, Kernels kernels, GgufWriter.Progress progress)
            throws IOException {
        if (file.metadata().get(LAYOUT_KEY).isPresent()) {
            throw new BitNetException(file.path() + " is optimised already: optimise the file it was made from");
        }
        if (file.tensors().stream().noneMatch(tensor -> tensor.type() == GgmlType.I2_S)) {
            throw new BitNetException(file.path() + " holds no I2_S tensors; there is nothing to optimise");
        }
        if (Files.exists(target) && Files.isSameFile(file.path(), target)) {
            throw new BitNetException(target + " is the model itself; choose another name");
        }
        GgufWriter writer = new GgufWriter(GGUF_VERSION, ALIGNMENT);
        file.metadata().asMap().forEach((key, value) -> {
            if (!key.equals("general.alignment")) {
                writer.value(key, value);
            }
        });
        writer.string(LAYOUT_KEY, "i2_r16+i2_c");
        try (Arena arena = Arena.ofShared()) {
            OutputHead own = OutputHead.of(file);
            addTensors(file, head.map(type -> own.quantized(type, arena)).orElse(own), kernels, writer);
            writer.write(target, progress);
        }
    }

    private static void addTensors(GgufFile file, OutputHead head, Kernels kernels, GgufWriter writer) {
        boolean relu2 = ModelConfig.read(file).activation() == ModelConfig.Activation.RELU2;
        for (GgufTensor tensor : file.tensors()) {
            if (head.replaces(tensor)) {
                continue;
            }
            GgmlType layout = layout(tensor, relu2);
            TensorData data = layout == tensor.type() ? TensorData.of(tensor.data()) : out -> write(tensor, layout, kernels, out);
            writer.tensor(tensor.name(), layout, tensor.dims(), data);
        }
        head.add(kernels, writer);
    }

    private static GgmlType layout(GgufTensor tensor, boolean relu2) {
        if (tensor.type() != GgmlType.I2_S || tensor.rank() != 2) {
            return tensor.type();
        }
        if (relu2 && tensor.name().endsWith(".ffn_up.weight")) {
            return GgmlType.I2_S;
        }
        GgmlType layout = relu2 && tensor.name().endsWith(".ffn_down.weight") ? GgmlType.I2_C : GgmlType.I2_R16;
        return Kernels.fits(layout, tensor.rows(), tensor.cols()) ? layout : GgmlType.I2_S;
    }

    private static void write(GgufTensor tensor, GgmlType layout, Kernels kernels, WritableByteChannel out) throws IOException {
        long rowBytes = tensor.cols() / 4;
        long step = Math.max(ROWS, PIECE_BYTES / rowBytes / ROWS * ROWS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment piece = arena.allocate(Math.min(step, tensor.rows()) * rowBytes, ALIGNMENT);
            for (long row = 0; row < tensor.rows(); row += step) {
                long rows = Math.min(step, tensor.rows() - row);
                MemorySegment codes = tensor.data().asSlice(row * rowBytes, rows * rowBytes);
                repack(tensor, layout, row, kernels, codes, rows, piece);
                out.write(piece.asSlice(0, rows * rowBytes).asByteBuffer());
            }
        }
        out.write(ByteBuffer.wrap(tensor.data().asSlice(tensor.rows() * rowBytes, SCALE_BYTES).toArray(ValueLayout.JAVA_BYTE)));
    }

    private static void repack(GgufTensor tensor, GgmlType layout, long row, Kernels kernels, MemorySegment codes, long rows,
                               MemorySegment piece) {
        try {
            kernels.repack(codes, rows, tensor.cols(), layout, piece);
        } catch (BitNetException e) {
            throw new BitNetException("tensor " + tensor.name() + ", counting rows from " + row + ": " + e.getMessage(), e);
        }
    }
}
