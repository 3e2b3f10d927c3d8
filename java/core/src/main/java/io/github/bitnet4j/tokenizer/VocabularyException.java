package io.github.bitnet4j.tokenizer;

/** A vocabulary that cannot be used: the message names the entry and says what is wrong with it. */
public final class VocabularyException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    /** @param message one sentence for the user */
    public VocabularyException(String message) {
        super(message);
    }
}
