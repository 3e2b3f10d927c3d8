package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.BitSet;

/**
 * The bytes of every token in one arena, and the way back from bytes to an id: open addressing, linear probing, at most half full.
 */
final class TokenTable {

    private static final long FREE = -1;

    private final byte[] arena;
    /** Token {@code id} is {@code arena[start[id], start[id + 1])}. */
    private final int[] start;
    /** {@code hash << 32 | id}, so that a wrong slot is known without a look at its token; or -1 for a free one. */
    private final long[] slots;
    private final BitSet indexed;
    private final int longest;

    private TokenTable(byte[] arena, int[] start, long[] slots, BitSet indexed, int longest) {
        this.arena = arena;
        this.start = start;
        this.slots = slots;
        this.indexed = indexed;
        this.longest = longest;
    }

    int size() {
        return start.length - 1;
    }

    /** @return the length in bytes of the longest token that {@link #find} can return */
    int longest() {
        return longest;
    }

    /** @return whether {@link #find} can return this token */
    boolean isFindable(int id) {
        return indexed.get(id);
    }

    byte[] bytes(int id) {
        return Arrays.copyOfRange(arena, start[id], start[id + 1]);
    }

    /** @return the lowest id that has these bytes, or -1 */
    int find(byte[] bytes, int from, int to) {
        if (to - from > longest) {
            return -1;
        }
        int hash = hash(bytes, from, to);
        int mask = slots.length - 1;
        for (int slot = hash & mask;; slot = slot + 1 & mask) {
            long entry = slots[slot];
            if (entry == FREE) {
                return -1;
            }
            if ((int) (entry >>> 32) == hash && same((int) entry, bytes, from, to)) {
                return (int) entry;
            }
        }
    }

    /** As {@link #find}, but looks at the ids {@code guess} and {@code guess + 1} first. */
    int find(byte[] bytes, int from, int to, int guess) {
        for (int id = guess; id <= guess + 1 && id < size(); id++) {
            if (indexed.get(id) && same(id, bytes, from, to)) {
                return id;
            }
        }
        return find(bytes, from, to);
    }

    private boolean same(int id, byte[] bytes, int from, int to) {
        return Arrays.equals(arena, start[id], start[id + 1], bytes, from, to);
    }

    private static int hash(byte[] bytes, int from, int to) {
        int h = 0x811C9DC5;
        for (int i = from; i < to; i++) {
            h = (h ^ bytes[i]) * 0x01000193;
        }
        h ^= h >>> 15;
        h *= 0x2C1B3C6D;
        return h ^ h >>> 13;
    }

    /** Takes the tokens in the order of their ids. */
    static final class Builder {
        private final int[] start;
        private final long[] slots;
        private final BitSet indexed;
        private byte[] arena;
        private int size;
        private int longest;

        Builder(int tokens) {
            start = new int[tokens + 1];
            indexed = new BitSet(tokens);
            slots = new long[Math.max(16, Integer.highestOneBit(Math.max(1, tokens)) << 2)];
            Arrays.fill(slots, FREE);
            arena = new byte[Math.max(64, tokens * 8)];
        }

        /** @return where in {@link #arena()} the next token's bytes go; there is room for {@code length} of them */
        int reserve(int length) {
            int at = start[size];
            if (arena.length - at < length) {
                if (Integer.MAX_VALUE - 8 - at < length) {
                    throw new VocabularyException("the tokens are longer than 2 GiB together");
                }
                arena = Arrays.copyOf(arena, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(at + (long) length, arena.length * 2L)));
            }
            return at;
        }

        byte[] arena() {
            return arena;
        }

        /** Ends the next token at {@code end}; only one with {@code index} can be found by its bytes, and only the first of equals. */
        void add(int end, boolean index) {
            int id = size++;
            start[id + 1] = end;
            if (!index) {
                return;
            }
            int hash = hash(arena, start[id], end);
            int mask = slots.length - 1;
            int slot = hash & mask;
            for (; slots[slot] != FREE; slot = slot + 1 & mask) {
                int other = (int) slots[slot];
                if (Arrays.equals(arena, start[other], start[other + 1], arena, start[id], end)) {
                    return;
                }
            }
            slots[slot] = (long) hash << 32 | id;
            indexed.set(id);
            longest = Math.max(longest, end - start[id]);
        }

        TokenTable build() {
            return new TokenTable(Arrays.copyOf(arena, start[size]), start, slots, indexed, longest);
        }
    }
}
