package io.github.bitnet4j.chat;

import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role    who says it
 * @param content what is said, any text
 */
public record ChatMessage(Role role, String content) {

    /** Nothing is null. */
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
    }

    /**
     * @param content the frame of the conversation
     * @return a system message
     */
    public static ChatMessage system(String content) {
        return new ChatMessage(Role.SYSTEM, content);
    }

    /**
     * @param content what the human says
     * @return a user message
     */
    public static ChatMessage user(String content) {
        return new ChatMessage(Role.USER, content);
    }

    /**
     * @param content what the model says
     * @return an assistant message
     */
    public static ChatMessage assistant(String content) {
        return new ChatMessage(Role.ASSISTANT, content);
    }
}
