package io.github.bitnet4j.cli;

/** The command line asks for something impossible: exit status 2, with the way to the help. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
