package io.github.bitnet4j.chat;

/**
 * A chat template that cannot be used, or that refuses the messages: the message says why. Not an {@link IllegalArgumentException},
 * which Jinjava takes to mean that a method does not exist, and goes on.
 */
public final class ChatTemplateException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param message one sentence for the user */
    public ChatTemplateException(String message) {
        super(message);
    }
}
