package io.github.bitnet4j.bindings;

/**
 * libbitnet could not be loaded, or lacks a function. The message, one line, names everything that was tried, with the
 * system's own reason for each, and says what to do.
 */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NativeLibraryException(String message) {
        super(message);
    }

    NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
