package io.github.bitnet4j.api;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** Says in words what an I/O exception means. */
final class Failures {
    private Failures() {}

    static String reason(Throwable failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no such file";
            case AccessDeniedException e -> "permission denied";
            default -> String.valueOf(failure.getMessage());
        };
    }
}
