package io.github.bitnet4j.optimize;

import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Batch;
import io.github.bitnet4j.model.BitNetTransformer;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.FeedForwardObserver;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.KvCache;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.ModelConfig;
import io.github.bitnet4j.model.TernaryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How much of its feed-forward blocks a model with ReLU² uses over a text, layer by layer.
 *
 * @param tokens of the text
 */
public record Calibration(int tokens, List<Layer> layers) {
    /** Tokens that are enough to tell layers apart; each adds as many samples as the block is wide. */
    public static final int ENOUGH = 128;

    /** Rows of a pass. */
    private static final int BATCH = 32;

    /**
     * One layer's shares, means over the text, from 0 to 1.
     *
     * @param openGates    gates above 0: rows of {@code ffn_up} that a token needs
     * @param activeInputs quantised inputs other than 0: columns of {@code ffn_down} that a token needs
     */
    public record Layer(double openGates, double activeInputs) {}

    /** Told how many tokens are done. */
    @FunctionalInterface
    public interface Progress {
        /** @param done tokens so far; @param total tokens in all */
        void at(int done, int total);
    }

    /**
     * Runs the model over tokens, of which those that its context has no room for are left out.
     *
     * @param layout of ternary tensors, where the file does not say it
     */
    public static Calibration measure(GgufFile file, TernaryLayout layout, Kernels kernels, int[] ids, Progress progress) {
        ModelConfig config = ModelConfig.read(file);
        int total = Math.min(ids.length, config.contextLength());
        Counts counts = new Counts(config.layers());
        try (BitNetTransformer model = new BitNetTransformer(file, config, kernels, BATCH, total, KvPrecision.F16,
                     HeadMode.EXACT, layout);
             KvCache cache = model.newCache(); Batch batch = new Batch(BATCH)) {
            for (int first = 0; first < total; first += BATCH) {
                int end = Math.min(total, first + BATCH);
                batch.clear();
                for (int i = first; i < end; i++) {
                    batch.add(ids[i], cache, i, false);
                }
                model.forward(batch, new Cancellation(), (row, logits) -> {}, Optional.of(counts));
                progress.at(end, total);
            }
        }
        double all = (double) total * config.feedForward();
        return new Calibration(total, IntStream.range(0, config.layers())
                .mapToObj(i -> new Layer(counts.openGates[i] / all, counts.activeInputs[i] / all)).toList());
    }

    /** A share of every layer, as metadata holds it. */
    float[] shares(ToDoubleFunction<Layer> share) {
        float[] shares = new float[layers.size()];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = (float) share.applyAsDouble(layers.get(i));
        }
        return shares;
    }

    private static final class Counts implements FeedForwardObserver {
        private final long[] openGates;
        private final long[] activeInputs;

        Counts(int layers) {
            openGates = new long[layers];
            activeInputs = new long[layers];
        }

        @Override
        public void gates(int layer, MemorySegment gates) {
            for (long at = 0; at < gates.byteSize(); at += Float.BYTES) {
                openGates[layer] += gates.get(ValueLayout.JAVA_FLOAT, at) > 0 ? 1 : 0;
            }
        }

        @Override
        public void inputs(int layer, MemorySegment inputs) {
            for (long at = 0; at < inputs.byteSize(); at++) {
                activeInputs[layer] += inputs.get(ValueLayout.JAVA_BYTE, at) != 0 ? 1 : 0;
            }
        }
    }
}
