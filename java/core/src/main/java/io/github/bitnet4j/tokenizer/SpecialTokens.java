package io.github.bitnet4j.tokenizer;

/** What {@link Tokenizer#encode(String, SpecialTokens)} does with the text of a control token such as {@code <|eot_id|>}. */
public enum SpecialTokens {
    /** It is text like any other. The choice for whatever a user typed: it cannot forge the end of a turn. */
    LITERAL,
    /** It becomes the one id of that token. For text that a chat template made. */
    PARSE
}
