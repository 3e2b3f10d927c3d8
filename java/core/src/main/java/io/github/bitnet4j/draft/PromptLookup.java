package io.github.bitnet4j.draft;

import java.util.Arrays;

/**
 * Guesses that a text goes on as it did before: it looks up where its latest tokens, as many as possible, stood earlier,
 * most recently, and proposes what followed there (Saxena, "Prompt lookup decoding", 2023). Positions with the same two
 * tokens before them form a chain, as in LZ77, of which the latest are compared; a proposal that reaches the end of the
 * text goes on with itself, so that it follows a loop of any period.
 *
 * <p>How often a match of so many tokens foretells the next one is counted all along, for proposals that nobody verified
 * too: knowing when to be silent costs no pass.
 */
public final class PromptLookup implements Drafter {
    /** The shortest match: the tokens that a chain has in common. */
    private static final int SHORTEST = 2;
    /** Longer matches are no better, and not measured. */
    private static final int LONGEST = 16;
    /** Positions of a chain that are compared. */
    private static final int LOOK = 64;
    /** The weight of one observation in a rate. */
    private static final float LEARNING = 1 / 32f;

    private int[] ids = new int[256];
    private int size;
    /** By hash of two tokens: the position after their latest occurrence, 0 for none; twice as many as ids. */
    private int[] latest = new int[2 * ids.length];
    /** By position: the one before it in its chain. */
    private int[] before = new int[ids.length + 1];
    /** The position whose tokens are proposed; 0 for none. */
    private int match;
    /** Tokens before it that are the latest tokens. */
    private int length;
    /** By length of a match: how often its first token was right, the latest matches counting most. */
    private final float[] rates = new float[LONGEST + 1];

    /** An empty text. */
    public PromptLookup() {
        for (int i = SHORTEST; i <= LONGEST; i++) {
            rates[i] = 1 - 4f / (i + 3); // a fifth of two tokens, four fifths of sixteen: little, as it is learnt without a pass
        }
    }

    @Override
    public void accept(int id) {
        if (match > 0) {
            rates[length] += ((ids[match] == id ? 1 : 0) - rates[length]) * LEARNING;
        }
        if (size == ids.length) {
            grow();
        }
        ids[size++] = id;
        find();
        link(size);
    }

    /** The longest match, of equals the most recent. */
    private void find() {
        match = 0;
        length = SHORTEST - 1;
        if (size < SHORTEST) {
            return;
        }
        int at = latest[slot(size)];
        for (int i = 0; i < LOOK && at > 0 && length < LONGEST; i++) {
            int common = common(at);
            if (common > length) {
                match = at;
                length = common;
            }
            at = before[at];
        }
    }

    /** Tokens before a position that are the latest tokens. */
    private int common(int at) {
        int most = Math.min(at, LONGEST);
        int count = 0;
        while (count < most && ids[at - 1 - count] == ids[size - 1 - count]) {
            count++;
        }
        return count;
    }

    private void link(int position) {
        if (position >= SHORTEST) {
            int slot = slot(position);
            before[position] = latest[slot];
            latest[slot] = position;
        }
    }

    /** Where the two tokens before a position hash to; multipliers of the golden ratio and of murmur3. */
    private int slot(int position) {
        int hash = ids[position - 1] * 0x9E3779B9 + ids[position - 2] * 0x85EBCA6B;
        return (hash ^ hash >>> 15) & latest.length - 1;
    }

    private void grow() {
        ids = Arrays.copyOf(ids, 2 * size);
        before = new int[2 * size + 1];
        latest = new int[4 * size];
        for (int position = SHORTEST; position <= size; position++) {
            link(position);
        }
    }

    @Override
    public int draft(int[] guesses, float[] chances) {
        if (match == 0) {
            return 0;
        }
        int period = size - match;
        for (int i = 0; i < guesses.length; i++) {
            guesses[i] = i < period ? ids[match + i] : guesses[i - period];
            chances[i] = rates[Math.min(length + i, LONGEST)];
        }
        return guesses.length;
    }
}
