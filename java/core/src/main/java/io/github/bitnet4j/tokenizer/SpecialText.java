package io.github.bitnet4j.tokenizer;

/** Whether decoding shows the text of control tokens. */
public enum SpecialText {
    /** Control tokens decode to nothing. */
    HIDE,
    /** Control tokens decode to their names, such as {@code <|eot_id|>}. */
    SHOW
}
