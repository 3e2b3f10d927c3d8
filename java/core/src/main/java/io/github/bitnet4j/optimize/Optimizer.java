package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Kernels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Writes a model's ternary tensors in the layouts of docs/formats.md, those of a {@link LayoutPlan}; everything else is
 * copied. The file runs as it is, mapped and not copied, and gives the same results bit for bit. The coarse copy of the
 * output head is added, with which it finds the likeliest tokens in two passes.
 */
public final class Optimizer {
    /** Metadata: the formats of the ternary tensors. */
    public static final String LAYOUT_KEY = "bitnet4j.layout";
    /** Metadata: the CPU target that the layouts were chosen for. */
    public static final String TARGET_KEY = "bitnet4j.layout.target";
    /** Metadata, after a calibration: the share of open gates of each layer. */
    public static final String OPEN_GATES_KEY = "bitnet4j.layout.open_gates";
    /** Metadata, after a calibration: the share of inputs of {@code ffn_down} that are not 0, of each layer. */
    public static final String ACTIVE_INPUTS_KEY = "bitnet4j.layout.active_inputs";

    /** Whole groups of rows of every layout; their bytes follow each other, and so do their blocks of I2_S. */
    private static final int ROWS = 256;
    /** A cache line, so that kernels read whole ones. */
    private static final int ALIGNMENT = 64;
    private static final int GGUF_VERSION = 3;
    /** Codes that are repacked at a time, about. */
    private static final long PIECE_BYTES = 4 << 20;

    private Optimizer() {}

    /**
     * Refuses a file that is optimised already or has nothing to optimise.
     *
     * @throws BitNetException with what to do
     */
    public static void requirePlain(GgufFile file) {
        if (file.metadata().get(LAYOUT_KEY).isPresent()) {
            throw new BitNetException(file.path() + " is optimised already: optimise the file it was made from");
        }
        if (file.tensors().stream().noneMatch(tensor -> tensor.type() == GgmlType.I2_S)) {
            throw new BitNetException(file.path() + " holds no I2_S tensors; there is nothing to optimise ('bitnet convert --type "
                    + "i2_s' makes them of TL1, TL2, TQ1_0 and TQ2_0)");
        }
    }

    /**
     * Writes an optimised copy. The file appears when it is complete.
     *
     * @param file     a plain one
     * @param plan     made for this file
     * @param head     Q8_0, Q6_K or Q4_0 for a quantised output head, which changes logits; empty for the head as it is
     * @param kernels  repack on their threads
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if the file is not plain or holds a code 3
     * @throws IOException     if the copy cannot be written
     */
    public static void write(GgufFile file, LayoutPlan plan, Optional<GgmlType> head, Path target, Kernels kernels,
                             GgufWriter.Progress progress) throws IOException {
        requirePlain(file);
        if (Files.exists(target) && Files.isSameFile(file.path(), target)) {
            throw new BitNetException(target + " is the model itself; choose another name");
        }
        boolean hasHead = Architecture.of(file).map(Architecture::hasHead).orElse(true);
        if (head.isPresent() && !hasHead) {
            throw new BitNetException(file.path() + " is a model for embeddings, without an output head to quantise");
        }
        GgufWriter writer = new GgufWriter(GGUF_VERSION, ALIGNMENT);
        file.metadata().asMap().forEach((key, value) -> {
            if (!key.equals("general.alignment")) {
                writer.value(key, value);
            }
        });
        writer.string(LAYOUT_KEY, formats(file, plan)).string(TARGET_KEY, plan.target().name());
        plan.calibration().ifPresent(calibration -> writer
                .floats(OPEN_GATES_KEY, calibration.shares(Calibration.Layer::openGates))
                .floats(ACTIVE_INPUTS_KEY, calibration.shares(Calibration.Layer::activeInputs)));
        try (Arena arena = Arena.ofShared()) {
            OutputHead own = OutputHead.of(file);
            OutputHead chosen = head.map(type -> own.quantized(type, arena)).orElse(own);
            addTensors(file, plan, chosen, kernels, writer);
            if (hasHead) {
                chosen.add(kernels, writer);
            }
            writer.write(target, progress);
        }
    }

    private static void addTensors(GgufFile file, LayoutPlan plan, OutputHead head, Kernels kernels, GgufWriter writer) {
        for (GgufTensor tensor : file.tensors()) {
            if (head.replaces(tensor)) {
                continue;
            }
            GgmlType layout = plan.layout(tensor);
            TensorData data = layout == tensor.type() ? TensorData.of(tensor.data()) : out -> write(tensor, layout, kernels, out);
            writer.tensor(tensor.name(), layout, tensor.dims(), data);
        }
    }

    /** Such as {@code b3_r16+i2_c}. */
    private static String formats(GgufFile file, LayoutPlan plan) {
        return file.tensors().stream().filter(tensor -> tensor.type() == GgmlType.I2_S)
                .map(tensor -> plan.layout(tensor).name().toLowerCase(Locale.ROOT)).distinct().sorted()
                .collect(Collectors.joining("+"));
    }

    private static void write(GgufTensor tensor, GgmlType layout, Kernels kernels, WritableByteChannel out) throws IOException {
        long rowBytes = tensor.cols() / 4;
        long step = Math.max(ROWS, PIECE_BYTES / rowBytes / ROWS * ROWS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment piece = arena.allocate(Kernels.bytes(layout, Math.min(step, tensor.rows()), tensor.cols()), ALIGNMENT);
            for (long row = 0; row < tensor.rows(); row += step) {
                long rows = Math.min(step, tensor.rows() - row);
                MemorySegment codes = tensor.data().asSlice(row * rowBytes, rows * rowBytes);
                repack(tensor, layout, row, kernels, ownBlocks(codes, rows, tensor.cols(), arena), rows, piece);
                out.write(piece.asSlice(0, Kernels.bytes(layout, rows, tensor.cols())).asByteBuffer());
            }
        }
        MemorySegment scale = tensor.data().asSlice(tensor.rows() * rowBytes, GgmlType.SCALE_BYTES);
        out.write(ByteBuffer.wrap(scale.toArray(ValueLayout.JAVA_BYTE)));
    }

    private static MemorySegment ownBlocks(MemorySegment codes, long rows, long cols, Arena arena) {
        if (I2sRows.inPlace(cols)) {
            return codes;
        }
        MemorySegment spread = arena.allocate(I2sRows.bytes(rows, cols), ALIGNMENT);
        I2sRows.spread(codes, rows, cols, spread);
        return spread;
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
