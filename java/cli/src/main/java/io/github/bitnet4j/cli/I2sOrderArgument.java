package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.I2sOrder;

/** The value of {@code --i2s-order}. */
final class I2sOrderArgument {
    static final String DESCRIPTION = "In which order the file's I2_S weights lie, which no file says: 128, as published; 64, as "
            + "bitnet.cpp writes them on ARM since November 2025; rows4, as it does without ACT_PARALLEL (default: 128). Text "
            + "without any sense is the sign of another order; 'bitnet inspect --check' finds out which.";

    private I2sOrderArgument() {}

    static I2sOrder parse(String text) {
        return I2sOrder.named(text).orElseThrow(() ->
                new UsageException("--i2s-order is '" + text + "'; it must be one of " + I2sOrder.names()));
    }
}
