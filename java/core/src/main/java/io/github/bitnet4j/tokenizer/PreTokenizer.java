package io.github.bitnet4j.tokenizer;

import java.util.List;

/** How a text is split into pieces before byte pairs are merged; merges never cross a piece. */
sealed interface PreTokenizer permits LlamaSplit, StepSplit {

    /** Takes pieces in order. */
    interface Sink {
        /** A piece is {@code text[from, to)}, never empty; the array need not be the one that is split. */
        void piece(byte[] text, int from, int to);
    }

    /**
     * @param steps what the split consists of
     * @return the split, by hand where it is one that is
     * @throws VocabularyException if a step cannot be taken here
     */
    static PreTokenizer of(List<SplitStep> steps) {
        return NamedSplit.of(steps).flatMap(NamedSplit::digits).<PreTokenizer>map(LlamaSplit::new).orElseGet(() -> new StepSplit(steps));
    }

    /**
     * Splits a text.
     *
     * @param text well-formed UTF-8
     * @param from where the text begins
     * @param to   where it ends
     * @param into told every piece
     */
    void split(byte[] text, int from, int to, Sink into);

    /** Before what a space is put. */
    SpacePrefix spacePrefix();
}
