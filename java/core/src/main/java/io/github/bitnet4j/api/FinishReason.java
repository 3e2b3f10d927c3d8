package io.github.bitnet4j.api;

/** Why a generation ended. */
public enum FinishReason {
    /** The model produced a stop id, such as its end of text or end of turn. */
    STOP_TOKEN("stop_token"),
    /** A stop string appeared in the text; the text ends before it. */
    STOP_STRING("stop_string"),
    /** {@link GenerationOptions#maxTokens()} tokens were generated. */
    LENGTH("length"),
    /** The session's context holds no further position. */
    CONTEXT_FULL("context_full"),
    /** {@link Generation#cancel()} was called. */
    CANCELLED("cancelled");

    private final String label;

    FinishReason(String label) {
        this.label = label;
    }

    /** The name in JSON output. */
    public String label() {
        return label;
    }
}
