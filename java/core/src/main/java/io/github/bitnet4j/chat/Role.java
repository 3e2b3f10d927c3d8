package io.github.bitnet4j.chat;

import java.util.Locale;

/** Who says a message. */
public enum Role {
    /** The frame of the conversation, said before it. */
    SYSTEM,
    /** The human. */
    USER,
    /** The model. */
    ASSISTANT;

    /** @return the name that Hugging Face templates use: {@code system}, {@code user}, {@code assistant} */
    public String templateName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
