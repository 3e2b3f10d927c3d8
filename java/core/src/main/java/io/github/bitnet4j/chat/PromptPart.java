package io.github.bitnet4j.chat;

import java.util.Objects;

/**
 * A stretch of a prompt. A prompt is encoded part by part; control tokens are borders of parts, so that this gives the ids that
 * encoding the whole with control tokens parsed would give, except that no text of a message can become a control token.
 *
 * @param text    the text
 * @param control whether it is the name of one control token, such as {@code <|eot_id|>}; otherwise it is plain text, whatever it says
 */
public record PromptPart(String text, boolean control) {

    /** Nothing is null. */
    public PromptPart {
        Objects.requireNonNull(text, "text");
    }

    static PromptPart control(String name) {
        return new PromptPart(name, true);
    }

    static PromptPart plain(String text) {
        return new PromptPart(text, false);
    }
}
