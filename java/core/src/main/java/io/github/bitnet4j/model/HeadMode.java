package io.github.bitnet4j.model;

/** How the output head finds the tokens that a sampler can choose. Both give the same tokens. */
public enum HeadMode {
    /** Computes every logit: reads the whole head for each token. */
    EXACT,
    /**
     * Bounds every logit with a copy of the head at about four bits a weight, made when the model is opened, and computes
     * those that could still matter from the head itself, exactly. The copy takes {@code vocabulary * hidden / 2} bytes.
     * Which tokens are found differs from {@link #EXACT} with a probability of at most 1e-12 a token.
     */
    TWO_PASS
}
