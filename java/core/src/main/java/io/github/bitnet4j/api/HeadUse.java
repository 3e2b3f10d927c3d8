package io.github.bitnet4j.api;

/**
 * What the output head did for a generation, so far.
 *
 * @param tokens  tokens that were chosen
 * @param twoPass how many of them from a coarse pass and exact logits of the rows that it left; the others from all logits
 * @param logits  exact logits that were computed for those
 */
public record HeadUse(long tokens, long twoPass, long logits) {

    /** Both together. */
    public HeadUse plus(HeadUse other) {
        return new HeadUse(tokens + other.tokens, twoPass + other.twoPass, logits + other.logits);
    }

    /** What came after the other. */
    public HeadUse minus(HeadUse other) {
        return new HeadUse(tokens - other.tokens, twoPass - other.twoPass, logits - other.logits);
    }

    /** Exact logits a token of the two-pass head; 0 when there was none. */
    public double logitsPerToken() {
        return twoPass == 0 ? 0 : (double) logits / twoPass;
    }
}
