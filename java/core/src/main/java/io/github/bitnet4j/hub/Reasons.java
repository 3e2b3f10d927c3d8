package io.github.bitnet4j.hub;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import javax.net.ssl.SSLException;

/** Says in words what an I/O exception of a file or of a connection means. */
final class Reasons {
    private Reasons() {}

    static String of(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no " + e.getFile();
            case AccessDeniedException e -> "permission denied";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            case HttpConnectTimeoutException e -> "it does not answer";
            case ConnectException e when isUnknownHost(e) -> "its address cannot be found";
            case ConnectException e -> "it refuses connections";
            case SSLException e -> "the connection is not secure (" + e.getMessage() + ")";
            case EOFException e -> "the connection ended";
            default -> failure.getMessage() == null ? failure.toString()
                    : failure.getMessage().replace("Tunnel failed, got:", "the proxy answered");
        };
    }

    /** Whether another attempt would end in the same way. */
    static boolean isLasting(IOException failure) {
        return failure instanceof SSLException || isUnknownHost(failure);
    }

    private static boolean isUnknownHost(Throwable failure) {
        return failure != null && (failure instanceof UnresolvedAddressException || isUnknownHost(failure.getCause()));
    }
}
