package io.github.bitnet4j.model;

import java.util.Arrays;

/**
 * Which logits of a row are wanted, and how many the head computed. All of them at first; one object serves one row
 * after the other and soon allocates nothing.
 */
public final class Candidates {
    private int count;
    private int[] ids = new int[16];
    private int size;
    private int computed;

    /** Every logit is wanted. */
    public void all() {
        reset(0);
    }

    /**
     * The {@code count} largest logits are wanted, and any equal to the last of them; others may come as negative infinity.
     *
     * @param count 1 or more; as many as there are tokens, or more, is every logit
     */
    public void largest(int count) {
        if (count < 1) {
            throw new IllegalArgumentException(count + " logits are not 1 or more");
        }
        reset(count);
    }

    private void reset(int count) {
        this.count = count;
        size = 0;
        computed = 0;
    }

    /** The logit of this token is wanted too, whatever it is. Ids may repeat. */
    public void add(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, 2 * size);
        }
        ids[size++] = id;
    }

    /** How many logits the forward pass computed exactly: all, it may be; 0 when there was none since the wish. */
    public int computed() {
        return computed;
    }

    /** How many of the largest are wanted; 0 for every logit. */
    int count() {
        return count;
    }

    int id(int i) {
        return ids[i];
    }

    int size() {
        return size;
    }

    void computed(int logits) {
        computed = logits;
    }
}
