package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Before what a tokenizer puts a space, which decoding leaves out again. */
public enum SpacePrefix {
    /** Gemma. */
    NEVER,
    /** Before each stretch of text between special tokens: {@code Prepend} of {@code tokenizer.json}, and llama.cpp. */
    ALWAYS,
    /** Before each stretch that begins with no space: {@code Metaspace} with {@code prepend_scheme: always}, {@code add_prefix_space} of {@code ByteLevel}. */
    WHERE_MISSING,
    /** Before a text that begins with no space, but not after special tokens: {@code prepend_scheme: first}. */
    FIRST,
    /** Before a text, whatever it begins with, but not after special tokens: SentencePiece itself, and {@code legacy: false}. */
    TEXT;

    /** Of metadata, in files that were converted here: what llama.cpp's {@code tokenizer.ggml.add_space_prefix} cannot say. */
    public static final String KEY = "bitnet4j.tokenizer.space_prefix";

    /**
     * @param name a value of {@link #KEY}
     * @throws VocabularyException for a name not known here
     */
    public static SpacePrefix named(String name) {
        return Arrays.stream(values()).filter(prefix -> prefix.label().equals(name)).findFirst().orElseThrow(
                () -> new VocabularyException(KEY + " is '" + name + "', which is not known here; known: "
                        + Arrays.stream(values()).map(SpacePrefix::label).collect(Collectors.joining(", "))));
    }

    /** @return the name of this under {@link #KEY} */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether a space comes before a stretch of text. */
    boolean isPut(boolean first, boolean beginsWithSpace) {
        return switch (this) {
            case NEVER -> false;
            case ALWAYS -> true;
            case WHERE_MISSING -> !beginsWithSpace;
            case FIRST -> first && !beginsWithSpace;
            case TEXT -> first;
        };
    }

    /** Whether it comes before the whole text, and not before what follows a special token. */
    boolean isOfWholeText() {
        return this == FIRST || this == TEXT;
    }
}
