package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Which logits of a row are wanted, and then those that there are. All of them at first; one object serves one row after
 * the other and soon allocates nothing.
 */
public final class Candidates {
    private int largest;
    private int[] named = new int[16];
    private int namedCount;
    private boolean every;
    private int size;
    private int[] ids = new int[0];
    private float[] logits = new float[0];

    /** Every logit is wanted. */
    public void all() {
        reset(0);
    }

    /**
     * The {@code count} largest logits are wanted, and any equal to the last of them; others may be missing.
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
        largest = count;
        namedCount = 0;
        size = 0;
    }

    /** The logit of this token is wanted too, whatever it is. Ids may repeat. */
    public void add(int id) {
        if (namedCount == named.length) {
            named = Arrays.copyOf(named, 2 * namedCount);
        }
        named[namedCount++] = id;
    }

    /** How many of the largest are wanted; 0 for every logit. */
    int largest() {
        return largest;
    }

    /** How many are wanted by name. */
    int namedCount() {
        return namedCount;
    }

    int named(int i) {
        return named[i];
    }

    /** Takes a logit of every token: {@code row} holds one f32 for each. */
    public void take(MemorySegment row) {
        size = (int) (row.byteSize() / Float.BYTES);
        every = true;
        if (logits.length != size) {
            logits = new float[size];
        }
        MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, logits, 0, size);
    }

    /** Takes the logits of {@code count} tokens, in rising order of their ids. */
    void take(MemorySegment tokens, MemorySegment values, int count) {
        size = count;
        every = false;
        if (ids.length < count) {
            ids = new int[2 * count];
        }
        if (logits.length < count) {
            logits = new float[2 * count];
        }
        MemorySegment.copy(tokens, ValueLayout.JAVA_INT, 0, ids, 0, count);
        MemorySegment.copy(values, ValueLayout.JAVA_FLOAT, 0, logits, 0, count);
    }

    /** Whether {@link #logits} has one for every token, at its id; otherwise {@link #ids} says whose they are, fewer. */
    public boolean every() {
        return every;
    }

    /** How many logits the forward pass computed exactly; 0 when there was none since the wish. */
    public int size() {
        return size;
    }

    /** The tokens of {@link #logits} in rising order, {@link #size} of them, unless there is one for {@link #every} token. */
    public int[] ids() {
        return ids;
    }

    /** The logits, {@link #size} of them, for the reader to use up. */
    public float[] logits() {
        return logits;
    }
}
