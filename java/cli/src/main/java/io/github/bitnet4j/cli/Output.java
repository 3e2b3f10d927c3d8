package io.github.bitnet4j.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Standard output as UTF-8, whatever the locale. A failed write throws instead of being remembered silently, so that a
 * closed pipe ends the work and a full disk is reported.
 */
final class Output {
    private static final int BUFFER = 1 << 16;

    /** A write to standard output failed. */
    static final class WriteException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        WriteException(IOException cause) {
            super("cannot write to standard output: " + cause.getMessage(), cause);
        }

        /** Whether the reader went away, as {@code head} does when it has enough; no failure of this program. */
        boolean readerLeft() {
            String reason = String.valueOf(getCause().getMessage());
            return reason.contains("Broken pipe") || reason.contains("pipe is being closed") || reason.contains("Pipe closed");
        }
    }

    private final OutputStream stream;
    private final byte[] buffer = new byte[BUFFER];
    private int used;

    Output(OutputStream stream) {
        this.stream = stream;
    }

    Output print(String text) {
        return write(text.getBytes(StandardCharsets.UTF_8));
    }

    Output println(String text) {
        return print(text).print("\n");
    }

    Output printf(String format, Object... arguments) {
        return print(String.format(Locale.ROOT, format, arguments));
    }

    Output write(byte[] bytes) {
        if (bytes.length > BUFFER - used) {
            drain();
        }
        if (bytes.length > BUFFER) {
            send(bytes, bytes.length);
        } else {
            System.arraycopy(bytes, 0, buffer, used, bytes.length);
            used += bytes.length;
        }
        return this;
    }

    /** Hands everything to the system. */
    void flush() {
        drain();
        try {
            stream.flush();
        } catch (IOException e) {
            throw new WriteException(e);
        }
    }

    private void drain() {
        int count = used;
        used = 0;
        send(buffer, count);
    }

    private void send(byte[] bytes, int count) {
        try {
            stream.write(bytes, 0, count);
        } catch (IOException e) {
            throw new WriteException(e);
        }
    }

    /** A view for libraries that write bytes; closing it flushes and no more. */
    OutputStream asStream() {
        return new OutputStream() {
            @Override
            public void write(int b) {
                Output.this.write(new byte[] {(byte) b});
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                Output.this.write(Arrays.copyOfRange(bytes, offset, offset + length));
            }

            @Override
            public void flush() {
                Output.this.flush();
            }
        };
    }
}
