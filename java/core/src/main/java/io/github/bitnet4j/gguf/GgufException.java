package io.github.bitnet4j.gguf;

import io.github.bitnet4j.BitNetException;

/**
 * A GGUF file that cannot be what it says it is, or a value that is not what the reader of it needs.
 *
 * <p>Every malformed input ends in this exception: the message names the field, its byte offset in the file and what is
 * wrong with it, for example {@code tensor count at offset 8: 123456789 tensors cannot fit in 2330880 bytes; the file is
 * truncated or not a GGUF}.
 */
public final class GgufException extends BitNetException {
    private static final long serialVersionUID = 1L;
    private static final int QUOTE_LIMIT = 80;

    private final String field;
    private final long offset;
    private final String problem;

    /**
     * @param field   what was being read, in words
     * @param offset  the byte offset of that field from the start of the file
     * @param problem what is wrong, in words that say what to do where that is known
     */
    public GgufException(String field, long offset, String problem) {
        super(field + " at offset " + offset + ": " + problem);
        this.field = field;
        this.offset = offset;
        this.problem = problem;
    }

    /** What was being read, in words. */
    public String field() {
        return field;
    }

    /** The byte offset of {@link #field()} from the start of the file. */
    public long offset() {
        return offset;
    }

    /** What is wrong, without the field and the offset. */
    public String problem() {
        return problem;
    }

    /** Text from a file as it may appear in a message: one line, no control characters, of bounded length. */
    static String quote(String text) {
        StringBuilder out = new StringBuilder().append('\'');
        for (int i = 0; i < text.length() && i < QUOTE_LIMIT; i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? '?' : c);
        }
        return out.append(text.length() > QUOTE_LIMIT ? "...'" : "'").toString();
    }
}
