package io.github.bitnet4j.optimize;

/** Whether feed-forward blocks of models with ReLU² get layouts in which closed gates are not read. */
public enum FeedForward {
    /** Where a calibration says that it pays, layer by layer. */
    AUTO,
    /** Everywhere. */
    SPARSE,
    /** Nowhere. */
    DENSE
}
