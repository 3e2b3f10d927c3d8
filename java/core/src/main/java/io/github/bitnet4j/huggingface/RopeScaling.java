package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How a checkpoint scales the frequencies of RoPE for contexts longer than those of its first training. */
sealed interface RopeScaling {
    /** Says so in a GGUF file of a model with these frequencies, {@code theta^(-2 i / headDim)}. */
    void addTo(GgufWriter writer, String prefix, double theta, int headDim);

    /** All divided by a factor. */
    record Linear(double factor) implements RopeScaling {
        @Override
        public void addTo(GgufWriter writer, String prefix, double theta, int headDim) {
            writer.string(prefix + "rope.scaling.type", "linear").f32(prefix + "rope.scaling.factor", (float) factor);
        }
    }

    /**
     * Llama 3.1's: waves that are long beside the first context are stretched by a factor, short ones are left, and those in
     * between change over smoothly. Files hold the divisors of the frequencies.
     *
     * <p>Source: The Llama 3 Herd of Models (arXiv:2407.21783) and its published code; the tensor is llama.cpp's.
     */
    record Llama3(double factor, double lowFrequency, double highFrequency, int context) implements RopeScaling {
        @Override
        public void addTo(GgufWriter writer, String prefix, double theta, int headDim) {
            writer.tensor("rope_freqs.weight", GgmlType.F32, new long[] {headDim / 2}, out -> {
                ByteBuffer factors = ByteBuffer.allocate(headDim / 2 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i < headDim / 2; i++) {
                    factors.putFloat((float) divisor(Math.pow(theta, -2.0 * i / headDim)));
                }
                out.write(factors.flip());
            });
        }

        private double divisor(double frequency) {
            double waves = context * frequency / (2 * Math.PI);
            if (waves > highFrequency) {
                return 1;
            }
            if (waves < lowFrequency) {
                return factor;
            }
            double smooth = (waves - lowFrequency) / (highFrequency - lowFrequency);
            return 1 / ((1 - smooth) / factor + smooth);
        }
    }
}
