package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * Byte-pair encoding as SentencePiece does it ({@code tokenizer.ggml.model = llama}; Llama 1 and 2, Gemma): a text starts as its
 * characters, spaces are characters like others, and again and again, of all neighbours that make a token, the pair whose token
 * has the highest score (of equals the leftmost) becomes it. A character that is no token is the tokens of its bytes.
 *
 * <p>A file may hold merges besides scores. Then they decide, as in the {@code tokenizer.json} they come from: of two ways to make
 * the same token, merges can prefer one, where scores are equal.
 *
 * <p>U+2581 in a text is the same as a space, as in SentencePiece.
 */
final class SentencePieceTokenizer extends TableTokenizer {

    /** What the vocabulary writes for a space. */
    static final char SPACE_MARK = '\u2581';

    private static final byte[] SPACE_MARK_BYTES = Utf8.encode(String.valueOf(SPACE_MARK));

    private final MergeTable merges;
    private final SpacePrefix spacePrefix;
    private final int space;
    /** No token has a space after another character, so none can reach from one word into the next. */
    private final boolean wordsApart;

    /** @param vocabulary its facts; nothing of it is kept */
    SentencePieceTokenizer(Vocabulary vocabulary) {
        super(vocabulary, Spelling.SPACE_MARK, true);
        spacePrefix = vocabulary.spacePrefix();
        space = tokens.find(new byte[] {' '}, 0, 1);
        if (space < 0) {
            throw new VocabularyException("tokenizer.ggml.tokens has no token for the space, '" + SPACE_MARK + "'");
        }
        boolean ranked = !vocabulary.merges().isEmpty();
        merges = ranked ? readMerges(vocabulary) : ScoredMerges.of(tokens, vocabulary.scores().orElseThrow(
                () -> new VocabularyException("tokenizer.ggml.scores is missing: a vocabulary of the kind llama needs them")));
        wordsApart = wordsApart();
    }

    private boolean wordsApart() {
        for (int id = 0; id < size(); id++) {
            byte[] token = tokens.isFindable(id) ? tokens.bytes(id) : new byte[0];
            for (int i = 1; i < token.length; i++) {
                if (token[i] == ' ' && token[i - 1] != ' ') {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    MergeTable merges() {
        return merges;
    }

    @Override
    void encode(byte[] text, int from, int to, boolean first, PairMerger merger, IdList into) {
        boolean prefix = from < to && spacePrefix.isPut(first, spaceWidth(text, from, to) > 0);
        if (within.isEmpty()) {
            merge(text, from, to, prefix, merger, into);
        } else {
            byte[] spaced = spaced(text, from, to, prefix);
            cut(within, spaced, into, (start, end) -> merge(spaced, start, end, false, merger, into));
        }
    }

    /** A stretch of text as SentencePiece looks for user-defined pieces in it: with its space before it, and all spaces alike. */
    private static byte[] spaced(byte[] text, int from, int to, boolean prefix) {
        byte[] spaced = new byte[to - from + 1];
        int size = 0;
        if (prefix) {
            spaced[size++] = ' ';
        }
        for (int at = from; at < to;) {
            int width = spaceWidth(text, at, to);
            spaced[size++] = width > 0 ? (byte) ' ' : text[at];
            at += Math.max(1, width);
        }
        return Arrays.copyOf(spaced, size);
    }

    /** Merges the characters of a stretch of text, with a space before it or without. */
    private void merge(byte[] text, int from, int to, boolean prefix, PairMerger merger, IdList into) {
        while (from < to) {
            int end = wordsApart ? wordEnd(text, from, to) : to;
            int[] piece = merger.tokens(end - from + 1);
            int count = 0;
            if (prefix) {
                piece[count++] = space;
                prefix = false;
            }
            into.add(piece, merger.merge(symbols(text, from, end, piece, count)));
            from = end;
        }
    }

    /** Where the spaces from {@code at} and all that is no space after them end. */
    private static int wordEnd(byte[] text, int at, int to) {
        int width = spaceWidth(text, at, to);
        while (width > 0) {
            at += width;
            width = spaceWidth(text, at, to);
        }
        while (at < to && spaceWidth(text, at, to) == 0) {
            at++;
        }
        return at;
    }

    /** The bytes of the space at {@code at}, or 0 if there is none. */
    private static int spaceWidth(byte[] text, int at, int to) {
        if (at < to && text[at] == ' ') {
            return 1;
        }
        boolean mark = at + 2 < to && text[at] == SPACE_MARK_BYTES[0] && text[at + 1] == SPACE_MARK_BYTES[1]
                && text[at + 2] == SPACE_MARK_BYTES[2];
        return mark ? SPACE_MARK_BYTES.length : 0;
    }

    /** Puts the tokens of the characters, or of their bytes, into {@code piece} from {@code count} on. @return the new count */
    private int symbols(byte[] text, int from, int to, int[] piece, int count) {
        for (int at = from; at < to;) {
            int width = spaceWidth(text, at, to);
            int id = width > 0 ? space : -1;
            if (width == 0) {
                width = Utf8.width(text[at] & 0xFF);
                id = tokens.find(text, at, at + width);
            }
            if (id >= 0) {
                piece[count++] = id;
            } else {
                for (int i = at; i < at + width; i++) {
                    piece[count++] = byteToken(text[i]);
                }
            }
            at += width;
        }
        return count;
    }

    @Override
    public SpacePrefix spacePrefix() {
        return spacePrefix;
    }
}
