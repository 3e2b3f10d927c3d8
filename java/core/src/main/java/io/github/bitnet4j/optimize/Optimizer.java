package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.convert.TernaryData;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Matrix;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.TernaryTensor;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TqScales;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

    /** A cache line, so that kernels read whole ones. */
    private static final int ALIGNMENT = 64;
    private static final int GGUF_VERSION = 3;

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
        if (file.tensors().stream().noneMatch(TernaryTensor::isPublished)) {
            throw new BitNetException(file.path() + " holds no tensors of type " + TernaryTensor.PUBLISHED
                    + "; there is nothing to optimise");
        }
    }

    /**
     * Writes an optimised copy. The file appears when it is complete.
     *
     * @param file     a plain one
     * @param layout   of its ternary tensors, where it does not say it
     * @param plan     made for this file
     * @param head     Q8_0, Q6_K or Q4_0 for a quantised output head, which changes logits; empty for the head as it is
     * @param kernels  repack on their threads
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if the file is not plain, or a weight is none of -1, 0 and 1
     * @throws IOException     if the copy cannot be written
     */
    public static void write(GgufFile file, TernaryLayout layout, LayoutPlan plan, Optional<GgmlType> head, Path target,
                             Kernels kernels, GgufWriter.Progress progress) throws IOException {
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
            if (!List.of("general.alignment", TlTiles.KEY, TqScales.KEY).contains(key)) {
                writer.value(key, value);
            }
        });
        if (plan.layouts().containsValue(GgmlType.TL1) || plan.layouts().containsValue(GgmlType.TL2)) {
            writer.string(TlTiles.KEY, layout.tiles().or(TlTiles.of(file)).toString());
        }
        writer.string(LAYOUT_KEY, formats(file, plan)).string(TARGET_KEY, plan.target().name());
        plan.calibration().ifPresent(calibration -> writer
                .floats(OPEN_GATES_KEY, calibration.shares(Calibration.Layer::openGates))
                .floats(ACTIVE_INPUTS_KEY, calibration.shares(Calibration.Layer::activeInputs)));
        try (Arena arena = Arena.ofShared()) {
            OutputHead own = OutputHead.of(file);
            OutputHead chosen = head.map(type -> own.quantized(type, arena)).orElse(own);
            addTensors(file, layout, plan, chosen, kernels, writer);
            if (hasHead) {
                chosen.add(kernels, writer);
            }
            writer.write(target, progress);
        }
    }

    private static void addTensors(GgufFile file, TernaryLayout layout, LayoutPlan plan, OutputHead head, Kernels kernels,
                                   GgufWriter writer) {
        for (GgufTensor tensor : file.tensors()) {
            if (!head.replaces(tensor)) {
                TensorData data = TernaryTensor.isPublished(tensor)
                        ? data(tensor, TernaryTensor.of(file, tensor, layout), plan.layout(tensor), kernels)
                        : TensorData.of(tensor.data());
                writer.tensor(tensor.name(), plan.layout(tensor), tensor.dims(), data);
            }
        }
    }

    /** Such as {@code b3_r16+i2_c}. */
    private static String formats(GgufFile file, LayoutPlan plan) {
        return file.tensors().stream().filter(TernaryTensor::isPublished)
                .map(tensor -> plan.layout(tensor).name().toLowerCase(Locale.ROOT)).distinct().sorted()
                .collect(Collectors.joining("+"));
    }

    private static TensorData data(GgufTensor tensor, TernaryTensor ternary, GgmlType target, Kernels kernels) {
        Matrix stored = ternary.matrix();
        if (stored.type() == target) {
            return TensorData.of(tensor.data());
        }
        return out -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment i2s = arena.allocate(Kernels.bytes(GgmlType.I2_S, stored.rows(), stored.cols()), ALIGNMENT);
                ternary.unpack(kernels, i2s);
                Matrix codes = new Matrix(i2s, GgmlType.I2_S, stored.rows(), stored.cols(), Optional.empty());
                new TernaryData(kernels, codes, ternary.scale(), target, Optional.empty()).writeTo(out);
            }
        };
    }
}
