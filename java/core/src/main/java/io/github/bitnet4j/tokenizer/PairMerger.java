package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * Byte-pair merging of one piece: again and again, of all neighbours that have a merge, the pair of the lowest rank (of equals the
 * leftmost) becomes one token. A short piece is searched again for every merge; a long one keeps its pairs in a heap, so that
 * a text without a single space takes n log n. Holds scratch memory: one thread at a time.
 */
final class PairMerger {

    /** Up to this many tokens, searching costs less than a heap. */
    static final int SHORT = 48;

    private final MergeTable merges;
    /** The token that begins at a place, and the rank of its merge with the one after it. */
    private int[] token = new int[SHORT];
    private int[] rank = new int[SHORT];
    /** Long pieces only: neighbours, and a binary heap of {@code rank << 32 | place}. */
    private int[] next = new int[0];
    private int[] previous = new int[0];
    private long[] heap = new long[0];
    private int heapSize;

    PairMerger(MergeTable merges) {
        this.merges = merges;
    }

    /** @return an array with room for so many tokens, to be filled with those that a piece starts as */
    int[] tokens(int length) {
        if (token.length < length) {
            token = new int[length];
            rank = new int[length];
        }
        return token;
    }

    /** Merges the first {@code length} of {@link #tokens}, in place. @return how many tokens are left */
    int merge(int length) {
        return length <= SHORT ? mergeShort(length) : mergeLong(length);
    }

    int mergeShort(int length) {
        for (int i = 0; i + 1 < length; i++) {
            rank[i] = merges.rank(token[i], token[i + 1]);
        }
        while (length > 1) {
            int best = 0;
            int bestRank = rank[0];
            for (int i = 1; i < length - 1; i++) {
                if (rank[i] < bestRank) {
                    best = i;
                    bestRank = rank[i];
                }
            }
            if (bestRank == MergeTable.NONE) {
                break;
            }
            token[best] = merges.product(token[best], token[best + 1]);
            length--;
            for (int i = best + 1; i < length; i++) {
                token[i] = token[i + 1];
                rank[i] = rank[i + 1];
            }
            if (best > 0) {
                rank[best - 1] = merges.rank(token[best - 1], token[best]);
            }
            if (best + 1 < length) {
                rank[best] = merges.rank(token[best], token[best + 1]);
            }
        }
        return length;
    }

    int mergeLong(int length) {
        if (next.length < length) {
            next = new int[length];
            previous = new int[length];
            heap = new long[length];
        }
        heapSize = 0;
        for (int i = 0; i < length; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        for (int i = 0; i < length; i++) {
            rankPair(i, length);
        }
        while (heapSize > 0) {
            long top = pop();
            int at = (int) top;
            int pairRank = (int) (top >>> 32);
            if (rank[at] != pairRank) {
                continue;
            }
            int gone = next[at];
            token[at] = merges.product(token[at], token[gone]);
            rank[gone] = MergeTable.NONE;
            next[at] = next[gone];
            if (next[at] < length) {
                previous[next[at]] = at;
            }
            rankPair(at, length);
            if (previous[at] >= 0) {
                rankPair(previous[at], length);
            }
        }
        int left = 0;
        for (int i = 0; i < length; i = next[i]) {
            token[left++] = token[i];
        }
        return left;
    }

    private void rankPair(int at, int length) {
        rank[at] = next[at] < length ? merges.rank(token[at], token[next[at]]) : MergeTable.NONE;
        if (rank[at] != MergeTable.NONE) {
            push((long) rank[at] << 32 | at);
        }
    }

    private void push(long entry) {
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heapSize * 2);
        }
        int at = heapSize++;
        while (at > 0 && heap[at - 1 >>> 1] > entry) {
            heap[at] = heap[at - 1 >>> 1];
            at = at - 1 >>> 1;
        }
        heap[at] = entry;
    }

    private long pop() {
        long top = heap[0];
        long moved = heap[--heapSize];
        int at = 0;
        while (true) {
            int least = 2 * at + 1;
            if (least >= heapSize) {
                break;
            }
            if (least + 1 < heapSize && heap[least + 1] < heap[least]) {
                least++;
            }
            if (heap[least] >= moved) {
                break;
            }
            heap[at] = heap[least];
            at = least;
        }
        heap[at] = moved;
        return top;
    }
}
