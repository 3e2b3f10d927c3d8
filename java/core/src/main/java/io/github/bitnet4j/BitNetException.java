package io.github.bitnet4j;

/** A failure that the caller can act on: the message is one sentence that says what, where, and what to do. */
public class BitNetException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BitNetException(String message) {
        super(message);
    }

    public BitNetException(String message, Throwable cause) {
        super(message, cause);
    }
}
