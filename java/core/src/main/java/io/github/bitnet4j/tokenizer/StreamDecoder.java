package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * Decodes tokens as they are generated. A character whose bytes are spread over tokens is held back until it is complete; U+FFFD
 * appears only for bytes that can never become a character. All that is returned, put together, is what decoding the whole
 * sequence at once would give. The space that encoding puts before a stretch of text ({@link Tokenizer#spacePrefix}) is left out.
 * One stream, one thread.
 */
public final class StreamDecoder {

    private static final byte[] NOTHING = new byte[0];

    private final Tokenizer tokenizer;
    private final SpecialText special;
    private final SpacePrefix spacePrefix;
    private byte[] held = NOTHING;
    /** Whether the next token begins a stretch of text. */
    private boolean begins;

    /** @param begins whether the first token begins a text; otherwise it goes on with one */
    StreamDecoder(Tokenizer tokenizer, SpecialText special, boolean begins) {
        this.tokenizer = tokenizer;
        this.special = special;
        spacePrefix = tokenizer.spacePrefix();
        this.begins = begins;
    }

    /**
     * Takes the next token.
     *
     * @param id the token
     * @return the characters that are now complete, often none
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public String push(int id) {
        boolean ends = tokenizer.isBetweenTexts(id);
        byte[] bytes = special == SpecialText.HIDE && tokenizer.isSpecial(id) ? NOTHING : tokenizer.bytes(id);
        if (begins && !ends && spacePrefix != SpacePrefix.NEVER && bytes.length > 0 && bytes[0] == ' ') {
            bytes = Arrays.copyOfRange(bytes, 1, bytes.length);
        }
        begins = spacePrefix.isOfWholeText() ? begins && tokenizer.isSpecial(id) : ends;
        if (held.length > 0) {
            byte[] token = bytes;
            bytes = Arrays.copyOf(held, held.length + token.length);
            System.arraycopy(token, 0, bytes, held.length, token.length);
        }
        int complete = bytes.length - Utf8.incompleteTail(bytes, bytes.length);
        held = complete == bytes.length ? NOTHING : Arrays.copyOfRange(bytes, complete, bytes.length);
        return Utf8.decode(bytes, complete);
    }

    /**
     * Ends the stream.
     *
     * @return U+FFFD for a character that was begun and not completed, otherwise nothing
     */
    public String finish() {
        String rest = Utf8.decode(held, held.length);
        held = NOTHING;
        return rest;
    }
}
