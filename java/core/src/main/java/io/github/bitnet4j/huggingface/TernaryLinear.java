package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.BitNetException;
import java.lang.foreign.ValueLayout;

/** The ternary weights of a linear layer: a code 0, 1, 2 for -1, 0, +1 each, and one scale. */
sealed interface TernaryLinear {
    /** Codes of {@code row}, one a byte. */
    void codes(long row, byte[] codes);

    /** What a weight of +1 is worth. */
    float scale();

    /**
     * Four rows a byte, as published beside a {@code weight_scale}: row {@code i * rows / 4 + j} is in bits 2 i and 2 i + 1
     * of {@code packed[j][k]}.
     */
    record Packed(CheckpointTensor tensor, long rows, float scale) implements TernaryLinear {
        @Override
        public void codes(long row, byte[] codes) {
            long quarter = rows / 4;
            long at = row % quarter * codes.length;
            int shift = (int) (2 * (row / quarter));
            int threes = 0;
            for (int k = 0; k < codes.length; k++) {
                int code = tensor.data().get(ValueLayout.JAVA_BYTE, at + k) >> shift & 3;
                threes |= code & code >> 1;
                codes[k] = (byte) code;
            }
            if (threes != 0) {
                throw new BitNetException("tensor " + tensor.name() + ", row " + row + ": holds a code 3, which stands for no "
                        + "weight; the file is damaged");
            }
        }
    }

    /**
     * The weights as they were trained, quantised as the training did in every step: s = 1 / max(mean |w|, 1e-5) and the
     * code is round(w s) within -1 and 1, rounded half to even. So a code is not 0 exactly when |w s| exceeds a half. Weights
     * that were multiplied out again after training are -a, 0 and a, and their scale is a.
     *
     * <p>Source: The Era of 1-bit LLMs (arXiv:2402.17764), section 2.
     */
    final class Master implements TernaryLinear {
        private static final double LEAST_MEAN = 1e-5;

        private final CheckpointTensor tensor;
        private final float[] row;
        private final float scale;

        /** @param trained whether the training quantised weights, so that any values will do, and not only three */
        Master(CheckpointTensor tensor, int cols, boolean trained) {
            this.tensor = tensor;
            this.row = new float[cols];
            double sum = 0;
            float least = Float.POSITIVE_INFINITY;
            float most = 0;
            for (long at = 0; at < tensor.elements(); at += cols) {
                tensor.reals(at, row);
                for (float weight : row) {
                    float size = Math.abs(weight);
                    sum += size;
                    most = Math.max(most, size);
                    least = size > 0 ? Math.min(least, size) : least;
                }
            }
            double mean = sum / tensor.elements();
            if (!Double.isFinite(mean)) {
                throw new BitNetException("tensor " + tensor.name() + " holds a NaN or an infinity; the file is damaged");
            }
            boolean ternary = least >= most;
            if (!ternary && !trained) {
                throw new BitNetException("tensor " + tensor.name() + " has more than three values, and config.json does not say "
                        + "that they are to be quantised: if the model was trained so, give it a quantization_config with "
                        + "quant_method bitnet");
            }
            scale = ternary && most > 0 ? most : (float) Math.max(mean, LEAST_MEAN);
        }

        @Override
        public void codes(long index, byte[] codes) {
            tensor.reals(index * row.length, row);
            float s = 1 / scale;
            for (int k = 0; k < row.length; k++) {
                float w = row[k] * s;
                codes[k] = (byte) (1 + (w > 0.5f ? 1 : 0) - (w < -0.5f ? 1 : 0));
            }
        }

        @Override
        public float scale() {
            return scale;
        }
    }
}
