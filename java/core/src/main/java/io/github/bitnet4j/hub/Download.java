package io.github.bitnet4j.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.function.LongConsumer;

/**
 * One file on its way into the cache. Bytes gather under a name of their own; the blob appears under its final name when
 * its length and its checksum are those that the hub gave, and never before. What has arrived stays when a pull ends early, and
 * the next one goes on there.
 */
final class Download {
    private static final int BUFFER = 1 << 18;

    private final HubClient client;
    private final RemoteFile file;
    private final HubCache cache;
    private final Retries retries;
    private final LongConsumer progress;

    private FileChannel part;
    private MessageDigest digest;
    private long done;
    private long furthest;
    /** Whether bytes of more than one answer are in the part, so that they might not belong together. */
    private boolean mixed;
    private String validator = "";

    /** @param progress hears the bytes of the file that are here */
    Download(HubClient client, RemoteFile file, HubCache cache, HubSettings settings, LongConsumer progress) {
        this.client = client;
        this.file = file;
        this.cache = cache;
        this.progress = progress;
        retries = new Retries(file.name() + " of " + file.repository(), settings.pause());
    }

    /** Fetches the file unless it is there. */
    void run() {
        try {
            Path lock = cache.lock(file);
            Files.createDirectories(lock.getParent());
            Files.createDirectories(cache.blob(file).getParent());
            try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                 FileLock held = tryLock(channel)) {
                if (!cache.has(file)) {
                    fetch();
                }
            }
        } catch (IOException e) {
            throw new HubException("cannot write " + file.name() + " to " + cache.blob(file).getParent() + ": " + Reasons.of(e), e);
        }
    }

    private FileLock tryLock(FileChannel channel) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new HubException("another pull of " + file.name() + " is under way; wait for it to end");
        }
        return lock;
    }

    private void fetch() throws IOException {
        Path path = cache.part(file);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            part = channel;
            readWhatIsThere();
            do {
                transfer();
            } while (!isGood());
            channel.force(true);
        }
        Files.move(path, cache.blob(file), StandardCopyOption.ATOMIC_MOVE);
    }

    private void readWhatIsThere() throws IOException {
        begin();
        if (part.size() > file.size()) {
            part.truncate(0);
        }
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        while (part.read(buffer.clear(), done) > 0) {
            done += buffer.flip().remaining();
            digest.update(buffer);
            progress.accept(done);
        }
        mixed = done > 0;
        furthest = done;
    }

    private void begin() throws IOException {
        digest = file.checksum().begin(file.size());
        done = 0;
        mixed = false;
        progress.accept(0);
    }

    private void restart() throws IOException {
        part.truncate(0);
        begin();
    }

    /** Whether the whole file is what it should be; begins anew, once, if it is not and was put together. */
    private boolean isGood() throws IOException {
        boolean wasMixed = mixed;
        if (file.checksum().isOf(digest)) {
            return true;
        }
        restart();
        if (!wasMixed) {
            throw new HubException("what arrived as " + file.name() + " has another checksum than " + file.repository()
                    + " promises (" + file.checksum().hex() + "), and was deleted; pull again, or check proxies on the way");
        }
        return false;
    }

    private void transfer() throws IOException {
        while (done < file.size()) {
            try {
                attempt();
            } catch (LocalFailure e) {
                throw e.cause();
            } catch (IOException e) {
                retries.failed(e);
            }
        }
    }

    /** A failure to write, which no other attempt mends. */
    private static final class LocalFailure extends IOException {
        private static final long serialVersionUID = 1L;

        LocalFailure(IOException cause) {
            super(cause);
        }

        IOException cause() {
            return (IOException) getCause();
        }
    }

    private void attempt() throws IOException {
        HttpResponse<GuardedStream> response = client.open(file, done, validator);
        try (InputStream body = response.body()) {
            if (response.statusCode() == 206 && !isTheRest(response)) {
                throw new IOException("it sends another part of the file than it was asked for");
            }
            if (response.statusCode() != 206) {
                local(this::restart);
            }
            if (response.statusCode() == 416) {
                throw new IOException("it has no more of the file");
            }
            long left = file.size() - done;
            if (HubClient.header(response, "content-length").filter(length -> !length.equals(Long.toString(left))).isPresent()) {
                throw new IOException("it sends a file of another length");
            }
            mixed |= done > 0;
            validator = HubClient.header(response, "etag").filter(etag -> etag.matches("\"[!-~]*\"")).orElse("");
            copy(body);
        }
        if (done < file.size()) {
            throw new IOException("the connection ended after " + done + " of " + file.size() + " bytes");
        }
    }

    private boolean isTheRest(HttpResponse<?> response) {
        return HubClient.header(response, "content-range").orElse("")
                .equals("bytes " + done + "-" + (file.size() - 1) + "/" + file.size());
    }

    private void copy(InputStream body) throws IOException {
        byte[] buffer = new byte[BUFFER];
        for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
            if (count > file.size() - done) {
                throw new IOException("it sends more than the " + file.size() + " bytes of the file");
            }
            ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
            local(() -> write(bytes));
            digest.update(buffer, 0, count);
            done += count;
            if (done > furthest) {
                furthest = done;
                retries.progress();
            }
            progress.accept(done);
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        long at = done;
        while (bytes.hasRemaining()) {
            at += part.write(bytes, at);
        }
    }

    private interface LocalWork {
        void run() throws IOException;
    }

    private static void local(LocalWork work) throws LocalFailure {
        try {
            work.run();
        } catch (IOException e) {
            throw new LocalFailure(e);
        }
    }
}
