package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.NativeLibraryException;
import io.github.bitnet4j.chat.ChatTemplateException;
import io.github.bitnet4j.tokenizer.VocabularyException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Says in one line what a failure means to the user. */
final class Errors {
    private Errors() {}

    static String sentence(Throwable failure) {
        String text = switch (failure) {
            case BitNetException e -> e.getMessage();
            case ChatTemplateException e -> e.getMessage();
            case VocabularyException e -> e.getMessage();
            case NativeLibraryException e -> e.getMessage();
            case Output.WriteException e -> e.getMessage();
            case UncheckedIOException e -> file(e.getCause());
            case IOException e -> file(e);
            case OutOfMemoryError e -> "there is not enough memory: " + e.getMessage();
            default -> "this should not happen: " + failure + " (--verbose shows where)";
        };
        return String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", " ");
    }

    private static String file(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> e.getFile() + ": there is no such file";
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileAlreadyExistsException e -> e.getFile() + ": it exists already";
            case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + e.getReason();
            default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
        };
    }
}
