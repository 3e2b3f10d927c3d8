package io.github.bitnet4j.synth;

import java.nio.ByteBuffer;

/**
 * Closes a share p of the ReLU&sup2; gates of a random model, whose symmetric weights close half of them.
 *
 * <p>The first {@value #PINNED} numbers of the residual stream are pinned: each token's embedding has the constant
 * c there, and the rows of {@code attn_output} and {@code ffn_down} that would add to them are zero. {@code ffn_norm}
 * lifts them to a number h, and all weights of {@code ffn_gate} for them are -1 (+1 when p is below a half), so every gate
 * is shifted by the same number of its standard deviations:
 * <pre>
 *   gate / scale = sum over the others of w x  -  PINNED h
 *   deviation    = sqrt(hidden (1 - zeros) (1 + gain&sup2;))       gain: the deviation of the norm's weights around 1
 *   p            = Phi(PINNED h / deviation)                     Phi: the normal distribution
 *   weight       = h rms / c                                     rms&sup2; of the residual stream: see Synth
 * </pre>
 */
final class GateSparsity {
    static final int PINNED = 16;
    private static final int FOUR_ZERO_WEIGHTS = 0b01_01_01_01;
    /** I2_S keeps the first 32 weights of a row in the top bits of its first 32 bytes. */
    private static final int FIRST_WEIGHT_SHIFT = 6;

    private final double shift;

    /** @param share of gates that are to be closed, above 0 and below 1 */
    GateSparsity(double share) {
        shift = quantile(share);
    }

    /** The constant that token embeddings have in their pinned places. */
    RandomWeights.Edit embedding(int hidden, double constant) {
        short half = Float.floatToFloat16((float) constant);
        return heads(2L * hidden, 2 * PINNED, (buffer, at) -> {
            if (at % 2 == 0) {
                buffer.putShort(at, half);
            }
        });
    }

    /** The weight that {@code ffn_norm} has for pinned places of the value {@code constant}. */
    RandomWeights.Edit norm(int hidden, double zeros, double gain, double rms, double constant) {
        double h = Math.abs(shift) * Math.sqrt(hidden * (1 - zeros) * (1 + gain * gain)) / PINNED;
        float weight = (float) (h * rms / constant);
        return heads(4L * hidden, 4 * PINNED, (buffer, at) -> {
            if (at % 4 == 0) {
                buffer.putFloat(at, weight);
            }
        });
    }

    /** Weights of -1 or +1 for the pinned inputs of every row. */
    RandomWeights.Edit gate(int inputs) {
        int code = shift >= 0 ? 0 : 2;
        int others = (1 << FIRST_WEIGHT_SHIFT) - 1;
        return heads(inputs / 4, PINNED, (buffer, at) ->
                buffer.put(at, (byte) (buffer.get(at) & others | code << FIRST_WEIGHT_SHIFT)));
    }

    /** Zeroes in the rows that add to pinned places. */
    RandomWeights.Edit output(int inputs, int outputs) {
        return heads((long) inputs * outputs / 4, PINNED * inputs / 4, (buffer, at) -> buffer.put(at, (byte) FOUR_ZERO_WEIGHTS));
    }

    private interface ByteEdit {
        void apply(ByteBuffer buffer, int at);
    }

    /** Changes the first {@code width} bytes of each {@code stride} bytes of a tensor. */
    private static RandomWeights.Edit heads(long stride, int width, ByteEdit edit) {
        return (buffer, offset, count) -> {
            for (long row = offset / stride * stride; row < offset + count; row += stride) {
                for (long at = Math.max(row, offset); at < Math.min(row + width, offset + count); at++) {
                    edit.apply(buffer, (int) (at - offset));
                }
            }
        };
    }

    /** z with Phi(z) = p, by bisection of the integral of the density from 0 to z. */
    private static double quantile(double p) {
        double low = -8;
        double high = 8;
        while (high - low > 1e-9) {
            double middle = (low + high) / 2;
            if (0.5 + integral(middle) < p) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The density's integral by the midpoint rule. */
    private static double integral(double z) {
        int steps = 2000;
        double sum = 0;
        for (int i = 0; i < steps; i++) {
            sum += RandomWeights.density(z * (i + 0.5) / steps);
        }
        return sum * z / steps;
    }
}
