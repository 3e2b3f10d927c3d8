package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;

/** A forward pass was cancelled; its rows are not in the cache. */
public final class CancelledException extends BitNetException {
    private static final long serialVersionUID = 1L;

    public CancelledException() {
        super("the computation was cancelled");
    }
}
