package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.model.Architecture.Activation;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.ModelConfig;
import io.github.bitnet4j.model.TernaryTensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The format of every tensor of a file to be written:
 * <ul>
 *   <li>the target's dense layout for ternary tensors that are read as a whole;
 *   <li>I2_S for {@code ffn_up} where few gates open: rows behind closed ones are not read;
 *   <li>I2_C, by columns, for {@code ffn_down} where few inputs are active: columns that meet a 0 are not read.
 * </ul>
 * A ternary tensor whose shape the layout cannot take becomes I2_S; one that cannot be that either keeps its format, and so does
 * everything else.
 *
 * @param calibration what the choice rests on; empty when there was none to make
 * @param layouts     by the tensors' names, in the order of the file
 */
public record LayoutPlan(Target target, Optional<Calibration> calibration, Map<String, GgmlType> layouts) {
    /** Scattered rows or columns come so many times slower than one run ({@code kernel_check --bench gemv_}). */
    private static final double SCATTERED = 2.5;
    /** Bits a weight of the sparse layouts, all of them I2. */
    private static final double SPARSE_BITS = 2;

    /** Whether the choice for a file needs a calibration. */
    public static boolean needsCalibration(GgufFile file, FeedForward mode) {
        return mode == FeedForward.AUTO && ModelConfig.read(file).activation() == Activation.RELU2;
    }

    /** @param calibration of the file, where it {@linkplain #needsCalibration is needed} */
    public static LayoutPlan of(GgufFile file, Target target, FeedForward mode, Optional<Calibration> calibration) {
        boolean relu2 = ModelConfig.read(file).activation() == Activation.RELU2;
        if (mode == FeedForward.SPARSE && !relu2) {
            throw new BitNetException(file.path() + ": its gates go through SiLU, which closes none; only models with ReLU² "
                    + "have a sparse feed-forward block");
        }
        Sparsity sparsity = new Sparsity(relu2 ? mode : FeedForward.DENSE, paysBelow(target.dense()), calibration);
        Map<String, GgmlType> layouts = new LinkedHashMap<>();
        for (GgufTensor tensor : file.tensors()) {
            GgmlType wanted = sparsity.layout(tensor).orElse(target.dense());
            layouts.put(tensor.name(), TernaryTensor.isPublished(tensor)
                    ? Stream.of(wanted, GgmlType.I2_S).filter(layout -> fits(layout, tensor)).findFirst().orElse(tensor.type())
                    : tensor.type());
        }
        return new LayoutPlan(target, calibration, layouts);
    }

    private static boolean fits(GgmlType layout, GgufTensor tensor) {
        return layout == GgmlType.I2_S ? I2sRows.fits(tensor.rows(), tensor.cols())
                : Kernels.fits(layout, tensor.rows(), tensor.cols());
    }

    /** The share of what is needed below which reading only that takes less time than a run over everything. */
    static double paysBelow(GgmlType dense) {
        double denseBits = dense == GgmlType.B3_R80 ? 1.6 : 2;
        return denseBits / (SPARSE_BITS * SCATTERED);
    }

    /** Which tensors get a layout that skips what a token does not need. */
    private record Sparsity(FeedForward mode, double below, Optional<Calibration> calibration) {
        private static final Pattern NAME = Pattern.compile("blk\\.(\\d+)\\.(ffn_up|ffn_down)\\.weight");

        Optional<GgmlType> layout(GgufTensor tensor) {
            Matcher name = NAME.matcher(tensor.name());
            if (!name.matches()) {
                return Optional.empty();
            }
            int layer = Integer.parseInt(name.group(1));
            return name.group(2).equals("ffn_up")
                    ? Optional.of(GgmlType.I2_S).filter(rows -> pays(layer, Calibration.Layer::openGates))
                    : Optional.of(GgmlType.I2_C).filter(columns -> pays(layer, Calibration.Layer::activeInputs));
        }

        private boolean pays(int layer, ToDoubleFunction<Calibration.Layer> share) {
            return switch (mode) {
                case SPARSE -> true;
                case DENSE -> false;
                case AUTO -> share.applyAsDouble(calibration.orElseThrow().layers().get(layer)) < below;
            };
        }
    }

    /** The format of a tensor of the file. */
    public GgmlType layout(GgufTensor tensor) {
        return layouts.get(tensor.name());
    }

    /** The format of a part of a layer, such as {@code ffn_up}. */
    public GgmlType layout(int layer, String part) {
        return layouts.get("blk." + layer + "." + part + ".weight");
    }
}
