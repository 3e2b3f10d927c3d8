package io.github.bitnet4j;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is written under a temporary name in the same folder and gets its own name when it is complete: that name
 * never holds half a file, and what was there before stays intact for whoever has it mapped. The temporary file is removed
 * whatever stops the writing, an interrupt of the thread and the end of the process included.
 *
 * <p>What exists and is no regular file, such as {@code /dev/stdout}, is not replaced but written to.
 */
public final class WholeFile implements AutoCloseable {
    private final Path target;
    /** Where the bytes go; the target itself if it cannot be replaced. */
    private final Path written;
    private final FileChannel channel;
    private long position;

    /** @throws IOException if {@code target} is a folder, its folder does not exist, or it cannot be written */
    public WholeFile(Path target) throws IOException {
        this.target = target;
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(target)) {
            throw new IOException(target + " is a directory");
        }
        if (!Files.isDirectory(folder)) {
            throw new IOException("cannot write " + target + ": there is no folder " + folder);
        }
        boolean replaced = !Files.exists(target) || Files.isRegularFile(target);
        String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        written = replaced ? target.resolveSibling("." + target.getFileName() + "." + random + ".tmp") : target;
        try {
            channel = FileChannel.open(written, replaced ? Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
                    : Set.of(StandardOpenOption.WRITE));
        } catch (AccessDeniedException e) {
            throw new IOException("cannot write " + target + ": permission denied", e);
        } catch (FileSystemException e) {
            throw new IOException("cannot write " + target + ": " + e.getReason(), e);
        }
        if (replaced) {
            written.toFile().deleteOnExit();
        }
    }

    /** Writes a whole file at once. */
    public static void write(Path target, byte[] bytes) throws IOException {
        try (WholeFile file = new WholeFile(target)) {
            file.write(ByteBuffer.wrap(bytes));
            file.complete();
        }
    }

    /** Writes all that remains of {@code bytes}. */
    public void write(ByteBuffer bytes) throws IOException {
        try {
            while (bytes.hasRemaining()) {
                position += channel.write(bytes);
            }
        } catch (IOException e) {
            throw e.getMessage() == null ? e : new IOException("cannot write " + target + ": " + e.getMessage(), e);
        }
    }

    /** @return bytes written so far */
    public long position() {
        return position;
    }

    /** Gives the file its name; there is nothing to write any more. */
    public void complete() throws IOException {
        channel.close();
        if (written != target) {
            Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    /** Removes what was not completed. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (written != target) {
            Files.deleteIfExists(written);
        }
    }
}
