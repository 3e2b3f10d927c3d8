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

    /**
     * The weights as they were trained, quantised as the training did in every step: s = 1 / max(mean |w|, 1e-5) and the
     * code is round(w s) within -1 and 1, rounded half to even. So a code is not 0 exactly when |w s| exceeds a half.
     *
     * <p>Source: The Era of 1-bit LLMs (arXiv:2402.17764), section 2.
     */
    final class Master implements TernaryLinear {
        private static final double LEAST_MEAN = 1e-5;

        private final CheckpointTensor tensor;
        private final int cols;
        private float scale;

        Master(CheckpointTensor tensor, int cols) {
            this.tensor = tensor;
            this.cols = cols;
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
                double[] sums = LongStream.range(0, tensor.elements() / cols).parallel().mapToDouble(this::sum).toArray();
                double total = 0;
                for (double sum : sums) {
                    total += sum;
                }
                double mean = total / tensor.elements();
                if (!Double.isFinite(mean)) {
                    throw new BitNetException("tensor " + tensor.name() + " holds a NaN or an infinity; the file is damaged");
                }
                scale = (float) Math.max(mean, LEAST_MEAN);
            }
            return scale;
        }

        private double sum(long index) {
            float[] row = new float[cols];
            tensor.reals(index * cols, row);
            double sum = 0;
            for (float weight : row) {
                sum += Math.abs(weight);
            }
            return sum;
        }
    }
}
