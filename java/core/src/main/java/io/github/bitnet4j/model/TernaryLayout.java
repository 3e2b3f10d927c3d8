package io.github.bitnet4j.model;

/**
 * What files of other programs do not say about their ternary tensors.
 *
 * @param tiles of TL1 and TL2; {@link TlTiles#UNKNOWN} for those that the file records
 * @param order of I2_S
 */
public record TernaryLayout(TlTiles tiles, I2sOrder order) {
    /** What the file records, and I2_S as it is published. */
    public static final TernaryLayout OF_THE_FILE = new TernaryLayout(TlTiles.UNKNOWN, I2sOrder.BLOCKS_128);

    public TernaryLayout withTiles(TlTiles tiles) {
        return new TernaryLayout(tiles, order);
    }

    public TernaryLayout withOrder(I2sOrder order) {
        return new TernaryLayout(tiles, order);
    }
}
