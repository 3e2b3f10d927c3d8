package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.BitNetException;
import java.lang.foreign.ValueLayout;
import java.util.stream.LongStream;

/** The ternary weights of a linear layer: a code 0, 1, 2 for -1, 0, +1 each, and one scale. Safe for any number of threads. */
sealed interface TernaryLinear {
    /** Reads rows one after the other; for one thread. */
    interface Rows {
        /** Codes of {@code row}, one a byte. */
        void codes(long row, byte[] codes);
    }

    /** Where they lie. */
    CheckpointTensor tensor();

    /** A reader of rows of {@code cols} weights. */
    Rows rows(int cols);

    /** What a weight of +1 is worth. */
    float scale();

    /**
     * Four rows a byte, as published beside a {@code weight_scale}: row {@code i * rows / 4 + j} is in bits 2 i and 2 i + 1
     * of {@code packed[j][k]}.
     */
    record Packed(CheckpointTensor tensor, long rows, float scale) implements TernaryLinear {
        @Override
        public Rows rows(int cols) {
            return this::codes;
        }

        private void codes(long row, byte[] codes) {
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

    /** What is known of weights that are floats. */
    enum Training {
        /** Nothing: they can run if they are codes times their scale, three values in all. */
        UNKNOWN,
        /** They were quantised in every step, and are what was quantised, or codes times their scale. */
        QUANTIZED,
        /** The model quantises them in every run too, whatever they are, by the mean of their magnitudes. */
        IN_EVERY_RUN
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
        private final int cols;
        private final Training training;
        private float scale;

        Master(CheckpointTensor tensor, int cols, Training training) {
            this.tensor = tensor;
            this.cols = cols;
            this.training = training;
        }

        @Override
        public CheckpointTensor tensor() {
            return tensor;
        }

        @Override
        public Rows rows(int cols) {
            float[] row = new float[cols];
            float s = 1 / scale();
            return (index, codes) -> {
                tensor.reals(index * cols, row);
                for (int k = 0; k < cols; k++) {
                    float w = row[k] * s;
                    codes[k] = (byte) (1 + (w > 0.5f ? 1 : 0) - (w < -0.5f ? 1 : 0));
                }
            };
        }

        /** The same whatever the number of threads: rows are summed one by one, then their sums in order. */
        @Override
        public synchronized float scale() {
            if (scale == 0) {
                Sizes all = LongStream.range(0, tensor.elements() / cols).parallel().mapToObj(this::sizes).toList().stream()
                        .reduce(Sizes.NONE, Sizes::and);
                scale = scale(all);
                tensor.data().unload();
            }
            return scale;
        }

        private float scale(Sizes all) {
            double mean = all.sum / tensor.elements();
            if (!Double.isFinite(mean)) {
                throw new BitNetException("tensor " + tensor.name() + " holds a NaN or an infinity; the file is damaged");
            }
            boolean ternary = all.least >= all.most;
            if (!ternary && training == Training.UNKNOWN) {
                throw new BitNetException("tensor " + tensor.name() + " has more than three values, and config.json does not say "
                        + "that they are to be quantised: if the model was trained so, give it a quantization_config with "
                        + "quant_method bitnet");
            }
            boolean multipliedOut = ternary && all.most > 0 && training != Training.IN_EVERY_RUN;
            return multipliedOut ? all.most : (float) Math.max(mean, LEAST_MEAN);
        }

        private Sizes sizes(long index) {
            float[] row = new float[cols];
            tensor.reals(index * cols, row);
            double sum = 0;
            float least = Float.POSITIVE_INFINITY;
            float most = 0;
            for (float weight : row) {
                float size = Math.abs(weight);
                sum += size;
                most = Math.max(most, size);
                least = size > 0 ? Math.min(least, size) : least;
            }
            return new Sizes(sum, least, most);
        }

        /** Magnitudes of weights: their sum, the least that is not 0, the largest. */
        private record Sizes(double sum, float least, float most) {
            private static final Sizes NONE = new Sizes(0, Float.POSITIVE_INFINITY, 0);

            Sizes and(Sizes other) {
                return new Sizes(sum + other.sum, Math.min(least, other.least), Math.max(most, other.most));
            }
        }
    }
}
