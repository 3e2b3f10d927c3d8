package io.github.bitnet4j.model;

/** How the output head finds the tokens that a sampler can choose. All give the same tokens. */
public enum HeadMode {
    /**
     * {@link #TWO_PASS} where the file carries the coarse copy of the head ({@code bitnet optimize} puts it there) or the head is
     * larger than caches are, otherwise {@link #EXACT}.
     */
    AUTO,
    /** Computes every logit: reads the whole head for each token. */
    EXACT,
    /**
     * Bounds every logit with a copy of the head, at three bits a weight and a fourth of the rows that these leave, and computes
     * those that could still matter from the head itself, exactly. The copy is that of the file or one that is made when the
     * model is opened; it takes {@code vocabulary * hidden / 2} bytes. Which tokens are found differs from {@link #EXACT} with
     * a probability of at most 1e-12 a token.
     */
    TWO_PASS
}
