package io.github.bitnet4j.tokenizer;

import java.util.List;

/**
 * Byte-level byte-pair encoding ({@code tokenizer.ggml.model = gpt2}): the text is split into pieces ({@link PreTokenizer}), a piece
 * starts as its UTF-8 bytes, and neighbours are merged by rank.
 */
final class BytePairTokenizer extends TableTokenizer {

    private final PreTokenizer split;
    private final boolean wholePieces;
    private final boolean composes;
    private final MergeTable merges;

    /** @param vocabulary its facts; nothing of it is kept */
    static BytePairTokenizer of(Vocabulary vocabulary) {
        if (!vocabulary.split().isEmpty()) {
            List<SplitStep> steps = vocabulary.split().stream().map(SplitStep::labelled).toList();
            return new BytePairTokenizer(vocabulary, steps, false, false);
        }
        NamedSplit named = NamedSplit.named(vocabulary.pre().orElseThrow(
                () -> new VocabularyException("tokenizer.ggml.pre is missing: the split of the text must be named, one of "
                        + NamedSplit.knownNames())));
        return new BytePairTokenizer(vocabulary, named.steps(), named.wholePieces(), named.addsBos());
    }

    /** @param wholePieces and {@code addBos}: where the vocabulary does not say so */
    private BytePairTokenizer(Vocabulary vocabulary, List<SplitStep> steps, boolean wholePieces, boolean addBos) {
        super(vocabulary, Spelling.BYTE_ALPHABET, addBos);
        this.split = PreTokenizer.of(steps);
        this.wholePieces = vocabulary.wholePieces().orElse(wholePieces);
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
        split.split(text, from, to, (bytes, start, end) -> encodePiece(bytes, start, end, merger, into));
    }

    private void encodePiece(byte[] text, int from, int to, PairMerger merger, IdList into) {
        int whole = wholePieces ? tokens.find(text, from, to) : -1;
        if (whole >= 0) {
            into.add(whole);
            return;
        }
        int[] piece = merger.tokens(to - from);
        for (int at = from; at < to; at++) {
            piece[at - from] = byteToken(text[at]);
        }
        into.add(piece, merger.merge(to - from));
    }

    @Override
    public SpacePrefix spacePrefix() {
        return split.spacePrefix();
    }
}
