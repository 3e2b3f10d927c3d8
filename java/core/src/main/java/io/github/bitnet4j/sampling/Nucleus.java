package io.github.bitnet4j.sampling;

import java.util.Arrays;

/**
 * Where top-p cuts: the fewest largest weights that sum to a share of all. Found without sorting, by three passes that add the
 * weights up by ten bits of their float representation each, the highest first.
 */
final class Nucleus {

    private static final int BITS = 10;
    private static final int BUCKETS = 1 << BITS;

    private final double[] sums = new double[BUCKETS];
    /** The least weight that is in. */
    private float cut;
    /** How many of those equal to {@link #cut} are in, the first ones. */
    private int equals;

    /**
     * @param weights from 0 to 1, not normalised
     * @param size    how many
     * @param target  the sum to reach
     */
    void find(float[] weights, int size, double target) {
        double above = 0;
        int prefix = 0;
        for (int shift = 2 * BITS; shift >= 0; shift -= BITS) {
            Arrays.fill(sums, 0);
            for (int i = 0; i < size; i++) {
                int bits = Float.floatToRawIntBits(weights[i]);
                if (bits >>> shift + BITS == prefix) {
                    sums[bits >>> shift & BUCKETS - 1] += weights[i];
                }
            }
            int bucket = BUCKETS - 1;
            while (bucket >= 0 && above + sums[bucket] < target) {
                above += sums[bucket--];
            }
            if (bucket < 0) { // by rounding only
                cut = 0;
                equals = size;
                return;
            }
            prefix = prefix << BITS | bucket;
        }
        cut = Float.intBitsToFloat(prefix);
        equals = (int) Math.max(1, Math.ceil((target - above) / cut));
    }

    float cut() {
        return cut;
    }

    int equals() {
        return equals;
    }
}
