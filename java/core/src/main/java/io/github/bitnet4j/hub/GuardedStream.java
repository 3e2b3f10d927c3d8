package io.github.bitnet4j.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** The body of a response; reading fails when nothing arrives for too long, for which the HTTP client has no limit. */
final class GuardedStream extends FilterInputStream {
    private final Duration limit;
    private final Thread guard;
    private volatile long latest = System.nanoTime();
    private volatile boolean stalled;

    GuardedStream(InputStream body, Duration limit) {
        super(body);
        this.limit = limit;
        guard = Thread.ofVirtual().name("stall guard").start(this::watch);
    }

    private void watch() {
        try {
            long left = limit.toNanos();
            while (left > 0) {
                Thread.sleep(Duration.ofNanos(left));
                left = limit.toNanos() - (System.nanoTime() - latest);
            }
            stalled = true;
            in.close();
        } catch (InterruptedException e) {
            // read to the end or given up
        } catch (IOException e) {
            // the reader is told anyway
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int count;
        try {
            count = in.read(bytes, offset, length);
        } catch (IOException e) {
            throw stalled ? stall() : e;
        }
        if (stalled) {
            throw stall();
        }
        latest = System.nanoTime();
        return count;
    }

    private IOException stall() {
        return new IOException("nothing arrived for " + Math.max(1, limit.toSeconds()) + " s");
    }

    @Override
    public void close() throws IOException {
        guard.interrupt();
        in.close();
    }
}
