package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * From a pair of neighbours to the rank of its merge and the token that it makes; merges may share a rank. One slot is one long,
 * {@code left:20 right:20 rank:24}, and one int, the token; open addressing, linear probing, at most two thirds full.
 */
final class MergeTable {

    static final int MAX_TOKENS = (1 << 20) - 1;
    static final int MAX_MERGES = 1 << 24;
    /** More than any rank. */
    static final int NONE = Integer.MAX_VALUE;

    private static final int ID_BITS = 20;
    private static final int RANK_BITS = 24;
    private static final long FREE = -1;

    private final long[] slots;
    private final int[] product;
    private final int shift;

    /** @param merges how many will be put, at most {@link #MAX_MERGES} */
    MergeTable(int merges) {
        int bits = 4;
        while ((1L << bits) * 2 / 3 < merges) {
            bits++;
        }
        slots = new long[1 << bits];
        Arrays.fill(slots, FREE);
        shift = Long.SIZE - bits;
        product = new int[slots.length];
    }

    /** Puts the merge of a rank; if the pair has a rank already, that one stays. */
    void put(int rank, int left, int right, int merged) {
        long pair = pair(left, right);
        int slot = slot(pair);
        while (slots[slot] != FREE) {
            if (slots[slot] >>> RANK_BITS == pair) {
                return;
            }
            slot = slot + 1 & slots.length - 1;
        }
        slots[slot] = pair << RANK_BITS | rank;
        product[slot] = merged;
    }

    /** @return the rank of a pair's merge, the lower the earlier, or {@link #NONE} */
    int rank(int left, int right) {
        int slot = find(left, right);
        return slot < 0 ? NONE : (int) slots[slot] & MAX_MERGES - 1;
    }

    /** @return the token that the merge of a pair makes, which must have one */
    int product(int left, int right) {
        return product[find(left, right)];
    }

    private int find(int left, int right) {
        long pair = pair(left, right);
        for (int slot = slot(pair);; slot = slot + 1 & slots.length - 1) {
            long entry = slots[slot];
            if (entry >>> RANK_BITS == pair) {
                return slot;
            }
            if (entry == FREE) {
                return -1;
            }
        }
    }

    private static long pair(int left, int right) {
        return (long) left << ID_BITS | right;
    }

    /** Fibonacci hashing: the top bits of a product with 2^64 / golden ratio. */
    private int slot(long pair) {
        return (int) (pair * 0x9E3779B97F4A7C15L >>> shift);
    }
}
