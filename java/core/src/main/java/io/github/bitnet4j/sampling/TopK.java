package io.github.bitnet4j.sampling;

import java.util.Arrays;

/** The k largest of many logits, through a heap of k: as good as one comparison for each of the others. */
final class TopK {

    /** A min-heap, then sorted. A key orders as its logit does, and equal logits by falling id: {@code ordered(logit):32 ~id:32}. */
    private final long[] keys;
    final int[] ids;
    final float[] logits;

    TopK(int k) {
        keys = new long[k];
        ids = new int[k];
        logits = new float[k];
    }

    /**
     * Fills {@link #ids} and {@link #logits} with the k largest, in falling order, of equals the lowest ids first.
     *
     * @param tokens whose logits they are, in rising order
     * @param count  how many, k or more
     */
    void select(int[] tokens, float[] from, int count) {
        int k = keys.length;
        for (int i = 0; i < k; i++) {
            keys[i] = key(from[i], tokens[i]);
        }
        for (int i = k / 2 - 1; i >= 0; i--) {
            siftDown(i, keys[i]);
        }
        float least = logit(keys[0]);
        for (int i = k; i < count; i++) {
            if (from[i] > least) {
                siftDown(0, key(from[i], tokens[i]));
                least = logit(keys[0]);
            }
        }
        Arrays.sort(keys);
        for (int i = 0; i < k; i++) {
            long key = keys[k - 1 - i];
            ids[i] = ~(int) key;
            logits[i] = logit(key);
        }
    }

    private void siftDown(int at, long key) {
        int k = keys.length;
        for (int child = 2 * at + 1; child < k; child = 2 * at + 1) {
            if (child + 1 < k && keys[child + 1] < keys[child]) {
                child++;
            }
            if (keys[child] >= key) {
                break;
            }
            keys[at] = keys[child];
            at = child;
        }
        keys[at] = key;
    }

    /** Adding 0 makes -0 the 0 that it equals. */
    private static long key(float logit, int id) {
        return (long) flip(Float.floatToRawIntBits(logit + 0f)) << 32 | ~id & 0xFFFFFFFFL;
    }

    private static float logit(long key) {
        return Float.intBitsToFloat(flip((int) (key >> 32)));
    }

    /** Bits of a float to an int that orders alike, and back: the magnitude of a negative one is turned around. */
    private static int flip(int bits) {
        return bits ^ bits >> 31 & 0x7FFFFFFF;
    }
}
