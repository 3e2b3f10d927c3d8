package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/** Finds the longest of many fixed texts at a place: a trie over UTF-8, its edges in one hash table. */
final class SpecialTrie {

    private static final int MAX_NODES = 1 << 23;

    /** {@code node << 8 | byte} of an edge, or -1 for a free slot; {@link #child} is where the edge leads. */
    private int[] edge = new int[64];
    private int[] child = new int[64];
    /** The token that ends at a node, or -1. */
    private int[] token = new int[64];
    private int nodes = 1;
    private final boolean[] begins = new boolean[256];

    SpecialTrie() {
        Arrays.fill(edge, -1);
        Arrays.fill(token, -1);
    }

    /** Adds a text that is not empty; if it is there already, its first token stays. */
    void add(byte[] text, int id) {
        int node = 0;
        for (byte b : text) {
            int slot = slot(node, b);
            if (edge[slot] < 0) {
                slot = addEdge(node, b);
            }
            node = child[slot];
        }
        begins[text[0] & 0xFF] = true;
        if (token[node] < 0) {
            token[node] = id;
        }
    }

    boolean isEmpty() {
        return nodes == 1;
    }

    /** @return where the first text can begin in {@code [from, to)}, or {@code to} */
    int candidate(byte[] text, int from, int to) {
        while (from < to && !begins[text[from] & 0xFF]) {
            from++;
        }
        return from;
    }

    /** @return where the longest text ends that begins at {@code from}, or -1 */
    int longest(byte[] text, int from, int to) {
        int end = -1;
        int node = 0;
        for (int i = from; i < to && node >= 0; i++) {
            node = next(node, text[i]);
            if (node >= 0 && token[node] >= 0) {
                end = i + 1;
            }
        }
        return end;
    }

    /** @return the token of exactly the text {@code [from, to)}, or -1 */
    int token(byte[] text, int from, int to) {
        int node = 0;
        for (int i = from; i < to && node >= 0; i++) {
            node = next(node, text[i]);
        }
        return node < 0 ? -1 : token[node];
    }

    private int next(int node, byte b) {
        int slot = slot(node, b);
        return edge[slot] < 0 ? -1 : child[slot];
    }

    private int addEdge(int node, byte b) {
        if (nodes == MAX_NODES) {
            throw new VocabularyException("the special tokens have more than " + MAX_NODES + " bytes together");
        }
        if (nodes * 2 >= edge.length) {
            grow();
        }
        int slot = slot(node, b);
        edge[slot] = node << 8 | b & 0xFF;
        child[slot] = nodes++;
        return slot;
    }

    private void grow() {
        int[] oldEdge = edge;
        int[] oldChild = child;
        edge = new int[oldEdge.length * 2];
        child = new int[oldEdge.length * 2];
        Arrays.fill(edge, -1);
        for (int i = 0; i < oldEdge.length; i++) {
            if (oldEdge[i] >= 0) {
                int slot = slot(oldEdge[i] >>> 8, (byte) oldEdge[i]);
                edge[slot] = oldEdge[i];
                child[slot] = oldChild[i];
            }
        }
        int known = token.length;
        token = Arrays.copyOf(token, edge.length);
        Arrays.fill(token, known, token.length, -1);
    }

    /** @return the slot of an edge, or the free slot where it would go */
    private int slot(int node, byte b) {
        int key = node << 8 | b & 0xFF;
        int mask = edge.length - 1;
        int slot = key * 0x9E3779B1 >>> 8 & mask;
        while (edge[slot] >= 0 && edge[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }
}
