package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.TlTiles;

/** The value of {@code --tl-tiles}. */
final class TlTilesArgument {
    private static final String FORM = ": BM/BK/bm for all shapes, or ROWSxCOLS=BM/BK/bm for each, separated by commas";
    static final String OF_A_MODEL = "Tiles of TL1 and TL2 weights, which files of other programs do not record" + FORM + ".";
    static final String OF_A_CONVERSION = "Tiles of a TL1 or TL2 file that does not record its own, otherwise of the result"
            + FORM + " (default: bitnet.cpp's, or a rule for shapes it does not name).";

    private TlTilesArgument() {}

    /** @param text null if the option is not given */
    static TlTiles parse(String text) {
        try {
            return text == null ? TlTiles.UNKNOWN : TlTiles.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--tl-tiles: " + e.getMessage());
        }
    }
}
