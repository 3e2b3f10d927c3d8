package io.github.bitnet4j.draft;

/** Guesses how a text goes on. One text, one thread. */
public interface Drafter {

    /** Takes the next token of the text. */
    void accept(int id);

    /**
     * Guesses the tokens that follow, allocating nothing.
     *
     * @param guesses receives them
     * @param chances receives for each the probability that it is right, if those before it are
     * @return how many, 0 to {@code guesses.length}
     */
    int draft(int[] guesses, float[] chances);
}
