package io.github.bitnet4j.tokenizer;

/**
 * The split of Llama 3, and of Qwen 2 and 3, by hand and in one pass over UTF-8. It finds exactly the matches of
 *
 * <pre>
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)          contractions, by Unicode case folding: U+017F counts as s
 * |[^\r\n\p{L}\p{N}]?\p{L}+             a word, with at most one other character before it
 * |\p{N}{1,3}                           up to three digits; Qwen: one, \p{N}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*            punctuation and all else, and the line ends after it
 * |\s*[\r\n]+                           white space up to its last line end
 * |\s+(?!\S)                            white space but the last character, if something follows
 * |\s+
 * </pre>
 *
 * where \s is Unicode's White_Space. Source: {@code tokenizer.json} of Llama 3 and of Qwen 2, and llama.cpp's {@code llama-bpe}
 * and {@code qwen2}.
 */
final class LlamaSplit implements PreTokenizer {

    private static final int LETTER = 0;
    private static final int NUMBER = 1;
    private static final int OTHER = 2;
    private static final int SPACE = 3;
    private static final int LINE_END = 4;

    /** A character is seen as {@code width << KIND_BITS | kind}, its width in bytes. */
    private static final int KIND_BITS = 3;
    private static final int KIND_MASK = (1 << KIND_BITS) - 1;

    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0; c < ASCII.length; c++) {
            ASCII[c] = (byte) (1 << KIND_BITS | kind(c));
        }
    }

    private final int digits;

    /** @param digits how many of them are a piece at most */
    LlamaSplit(int digits) {
        this.digits = digits;
    }

    @Override
    public void split(byte[] text, int from, int to, Sink into) {
        while (from < to) {
            int end = end(text, from, to);
            into.piece(text, from, end);
            from = end;
        }
    }

    @Override
    public SpacePrefix spacePrefix() {
        return SpacePrefix.NEVER;
    }

    /** @return where the piece ends that begins at {@code from}, before {@code to} */
    private int end(byte[] text, int from, int to) {
        int first = look(text, from);
        int kind = first & KIND_MASK;
        int next = from + (first >>> KIND_BITS);
        if (kind == LETTER) {
            return letters(text, next, to);
        }
        if (kind == NUMBER) {
            return numbers(text, next, to, digits - 1);
        }
        if (text[from] == '\'') {
            int after = contraction(text, next, to);
            if (after > 0) {
                return after;
            }
        }
        int second = next < to ? look(text, next) : SPACE;
        int secondKind = second & KIND_MASK;
        if (secondKind == LETTER && kind != LINE_END) {
            return letters(text, next + (second >>> KIND_BITS), to);
        }
        if (kind == OTHER || text[from] == ' ' && secondKind == OTHER) {
            return others(text, next, to);
        }
        return whiteSpace(text, from, to);
    }

    private static int letters(byte[] text, int at, int to) {
        while (at < to) {
            int c = look(text, at);
            if ((c & KIND_MASK) != LETTER) {
                break;
            }
            at += c >>> KIND_BITS;
        }
        return at;
    }

    private static int numbers(byte[] text, int at, int to, int most) {
        for (int more = 0; more < most && at < to; more++) {
            int c = look(text, at);
            if ((c & KIND_MASK) != NUMBER) {
                break;
            }
            at += c >>> KIND_BITS;
        }
        return at;
    }

    private static int others(byte[] text, int at, int to) {
        while (at < to) {
            int c = look(text, at);
            if ((c & KIND_MASK) != OTHER) {
                break;
            }
            at += c >>> KIND_BITS;
        }
        while (at < to && (text[at] == '\r' || text[at] == '\n')) {
            at++;
        }
        return at;
    }

    private static int whiteSpace(byte[] text, int from, int to) {
        int at = from;
        int last = from;
        int afterLineEnd = -1;
        while (at < to) {
            int c = look(text, at);
            int kind = c & KIND_MASK;
            if (kind != SPACE && kind != LINE_END) {
                break;
            }
            last = at;
            at += c >>> KIND_BITS;
            if (kind == LINE_END) {
                afterLineEnd = at;
            }
        }
        if (afterLineEnd > 0) {
            return afterLineEnd;
        }
        return at == to || last == from ? at : last;
    }

    /** @return where the contraction ends whose apostrophe is before {@code at}, or -1 if there is none */
    private static int contraction(byte[] text, int at, int to) {
        if (at >= to) {
            return -1;
        }
        int c = text[at] | 0x20;
        if (text[at] >= 0 && (c == 's' || c == 't' || c == 'm' || c == 'd')) {
            return at + 1;
        }
        if (at + 1 >= to) {
            return -1;
        }
        int d = text[at + 1] | 0x20;
        boolean two = text[at] >= 0 && text[at + 1] >= 0 && ((c == 'r' || c == 'v') && d == 'e' || c == 'l' && d == 'l');
        boolean longS = text[at] == (byte) 0xC5 && text[at + 1] == (byte) 0xBF;
        return two || longS ? at + 2 : -1;
    }

    private static int look(byte[] text, int at) {
        int b = text[at];
        if (b >= 0) {
            return ASCII[b];
        }
        if (b < (byte) 0xE0) {
            return 2 << KIND_BITS | kind((b & 0x1F) << 6 | text[at + 1] & 0x3F);
        }
        if (b < (byte) 0xF0) {
            return 3 << KIND_BITS | kind((b & 0x0F) << 12 | (text[at + 1] & 0x3F) << 6 | text[at + 2] & 0x3F);
        }
        return 4 << KIND_BITS
                | kind((b & 0x07) << 18 | (text[at + 1] & 0x3F) << 12 | (text[at + 2] & 0x3F) << 6 | text[at + 3] & 0x3F);
    }

    private static int kind(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER, Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> switch (codePoint) {
                case '\r', '\n' -> LINE_END;
                case '\t', 0x0B, '\f', 0x85 -> SPACE;
                default -> OTHER;
            };
        };
    }
}
