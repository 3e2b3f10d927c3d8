package io.github.bitnet4j.tokenizer;

import java.util.Objects;

/**
 * Byte-level byte-pair encoding ({@code tokenizer.ggml.model = gpt2}): the text is split into pieces ({@link PreTokenizer}), a piece
 * starts as its UTF-8 bytes, and neighbours are merged by rank.
 */
final class BytePairTokenizer extends TableTokenizer {

    private final PreTokenizer split;
    private final boolean composes;
    private final MergeTable merges;

    /**
     * @param vocabulary its facts; nothing of it is kept
     * @param split      how text is cut into pieces
     */
    BytePairTokenizer(Vocabulary vocabulary, PreTokenizer split) {
        super(vocabulary, Spelling.BYTE_ALPHABET, split.addsBos());
        this.split = Objects.requireNonNull(split, "split");
        composes = vocabulary.composes();
        byte[] single = new byte[1];
        for (int b = 0; b < 256; b++) {
            single[0] = (byte) b;
            setByteToken(b, tokens.find(single, 0, 1));
        }
        merges = readMerges(vocabulary);
    }

    @Override
    MergeTable merges() {
        return merges;
    }

    @Override
    void encode(byte[] text, int from, int to, boolean first, PairMerger merger, IdList into) {
        if (composes && !Utf8.isAscii(text, from, to)) {
            byte[] composed = Utf8.compose(text, from, to);
            encodeComposed(composed, 0, composed.length, merger, into);
        } else {
            encodeComposed(text, from, to, merger, into);
        }
    }

    private void encodeComposed(byte[] text, int from, int to, PairMerger merger, IdList into) {
        while (from < to) {
            int end = split.end(text, from, to);
            int whole = split.wholePieces() ? tokens.find(text, from, end) : -1;
            if (whole >= 0) {
                into.add(whole);
            } else {
                int[] piece = merger.tokens(end - from);
                for (int at = from; at < end; at++) {
                    piece[at - from] = byteToken(text[at]);
                }
                into.add(piece, merger.merge(end - from));
            }
            from = end;
        }
    }

    @Override
    public SpacePrefix spacePrefix() {
        return SpacePrefix.NEVER;
    }
}
