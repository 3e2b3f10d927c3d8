package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_row;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The rows of one forward pass: tokens of any mix of sequences and positions, prefill chunks and decode steps
 * together. Rows of one sequence must come in ascending, gapless positions. Reused from pass to pass; one thread.
 */
public final class Batch implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final int capacity;
    private final MemorySegment tokens;
    private final MemorySegment rows;
    private final MemorySegment[] row;
    private final MemorySegment wantedRows;
    private final MemorySegment[] wantedRow;
    private final int[] wanted;
    private final Candidates[] candidates;
    private final Candidates every = new Candidates();
    private int size;
    private int wantedCount;
    private int longest;

    /** Room for {@code capacity} rows. */
    public Batch(int capacity) {
        this.capacity = capacity;
        tokens = arena.allocate(ValueLayout.JAVA_INT, capacity);
        rows = bn_row.allocateArray(capacity, arena);
        row = each(rows);
        wantedRows = bn_row.allocateArray(capacity, arena);
        wantedRow = each(wantedRows);
        wanted = new int[capacity];
        candidates = new Candidates[capacity];
    }

    private MemorySegment[] each(MemorySegment rows) {
        MemorySegment[] each = new MemorySegment[capacity];
        Arrays.setAll(each, i -> bn_row.asSlice(rows, i));
        return each;
    }

    /** Forgets all rows. */
    public void clear() {
        size = 0;
        wantedCount = 0;
        longest = 0;
    }

    /**
     * Appends a token of the sequence in {@code cache} at {@code position}.
     *
     * @param wanted whether the pass hands out its logits, or its state
     */
    public void add(int token, KvCache cache, int position, boolean wanted) {
        add(token, cache, position);
        if (wanted) {
            want(every, cache, position);
        }
    }

    /**
     * Appends a token whose logits somebody waits for, perhaps only some of them.
     *
     * @param logits which; takes them when the pass has them
     */
    public void add(int token, KvCache cache, int position, Candidates logits) {
        add(token, cache, position);
        want(logits, cache, position);
    }

    private void want(Candidates logits, KvCache cache, int position) {
        candidates[wantedCount] = logits;
        set(wantedRow[wantedCount], cache, position);
        wanted[wantedCount++] = size - 1;
    }

    private void add(int token, KvCache cache, int position) {
        if (size == capacity) {
            throw new IllegalStateException("the batch is full at " + capacity + " rows");
        }
        if (position < 0 || position >= cache.capacity()) {
            throw new IllegalArgumentException("position " + position + " is outside the cache's " + cache.capacity());
        }
        tokens.setAtIndex(ValueLayout.JAVA_INT, size, token);
        set(row[size], cache, position);
        longest = Math.max(longest, position + 1);
        size++;
    }

    private static void set(MemorySegment row, KvCache cache, int position) {
        bn_row.cache(row, cache.descriptor());
        bn_row.position(row, position);
    }

    /** Rows it can hold. */
    public int capacity() {
        return capacity;
    }

    /** Rows it holds. */
    public int size() {
        return size;
    }

    /** Rows whose logits are wanted. */
    int wantedCount() {
        return wantedCount;
    }

    /** The {@code i}-th row whose logits are wanted. */
    int wanted(int i) {
        return wanted[i];
    }

    /** Which logits of the {@code i}-th row are wanted. */
    Candidates candidates(int i) {
        return candidates[i];
    }

    /** Whether the logits of the {@code i}-th row are handed out, instead of taken by their {@link #candidates}. */
    boolean isHandedOut(int i) {
        return candidates[i] == every;
    }

    /** The largest position plus one. */
    int longest() {
        return longest;
    }

    int token(int row) {
        return tokens.getAtIndex(ValueLayout.JAVA_INT, row);
    }

    MemorySegment tokens() {
        return tokens;
    }

    /** {@code bn_row[size]}. */
    MemorySegment rows() {
        return rows;
    }

    /** {@code bn_row[wantedCount]}. */
    MemorySegment wantedRows() {
        return wantedRows;
    }

    @Override
    public void close() {
        arena.close();
    }
}
