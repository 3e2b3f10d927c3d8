package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.I2sRows;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * In which order an I2_S tensor holds its codes. All files call it I2_S and none says which order it has; every byte of one
 * order is a byte of the others, so that a wrong one shows in nothing but the text it gives, which is nonsense.
 */
public enum I2sOrder {
    /** Blocks of 128 codes of a row in 32 bytes: all published files. */
    BLOCKS_128("128", GgmlType.I2_S),
    /** Blocks of 64 in 16 bytes: what bitnet.cpp writes on ARM since November 2025. */
    BLOCKS_64("64", GgmlType.I2_S_64),
    /** A column of four rows in a byte: what bitnet.cpp writes where it is built without ACT_PARALLEL. */
    ROWS_4("rows4", GgmlType.I2_S_ROWS4);

    private final String text;
    private final GgmlType type;

    I2sOrder(String text, GgmlType type) {
        this.text = text;
        this.type = type;
    }

    /** The name that {@link #named} knows. */
    public String text() {
        return text;
    }

    /** Whether a tensor of a file can lie in this order. */
    public boolean fits(long rows, long cols) {
        return type == GgmlType.I2_S ? I2sRows.fits(rows, cols) : Kernels.fits(type, rows, cols);
    }

    /** What a tensor of this order is to the kernels. */
    GgmlType type() {
        return type;
    }

    /** The order with this name: {@code 128}, {@code 64} or {@code rows4}. */
    public static Optional<I2sOrder> named(String text) {
        return List.of(values()).stream().filter(order -> order.text.equals(text)).findFirst();
    }

    /** All names, separated by commas. */
    public static String names() {
        return List.of(values()).stream().map(order -> order.text).collect(Collectors.joining(", "));
    }
}
