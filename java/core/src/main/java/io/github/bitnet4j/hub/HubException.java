package io.github.bitnet4j.hub;

import io.github.bitnet4j.BitNetException;

/** A model that cannot be fetched, found or removed; the message is one sentence that says why and what to do. */
public final class HubException extends BitNetException {
    private static final long serialVersionUID = 1L;

    HubException(String message) {
        super(message);
    }

    HubException(String message, Throwable cause) {
        super(message, cause);
    }
}
