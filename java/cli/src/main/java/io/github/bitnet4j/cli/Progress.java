package io.github.bitnet4j.cli;

import java.io.PrintStream;
import java.util.Locale;

/**
 * One line on standard error that is rewritten while work goes on and erased when it is done; nothing at all when
 * standard error is no terminal. Short work shows nothing: the line appears after a moment.
 */
final class Progress implements AutoCloseable {
    private static final long DELAY_NANOS = 400_000_000L;
    private static final long PERIOD_NANOS = 100_000_000L;
    private static final int BAR = 24;

    private final PrintStream err;
    private final boolean shown;
    private final String what;
    private long due = System.nanoTime() + DELAY_NANOS;
    private boolean visible;

    Progress(Console console, String what) {
        err = console.err();
        shown = console.errIsTerminal();
        this.what = what;
    }

    /** Rewrites the line if it is time to: the share done, and a word about it. */
    void update(long done, long total, String detail) {
        long now = System.nanoTime();
        if (!shown || now - due < 0) {
            return;
        }
        due = now + PERIOD_NANOS;
        visible = true;
        int filled = total == 0 ? BAR : (int) (BAR * done / total);
        err.printf(Locale.ROOT, "\r%s [%s%s] %3d %% %s\033[K", what, "#".repeat(filled), ".".repeat(BAR - filled),
                total == 0 ? 100 : 100 * done / total, detail);
        err.flush();
    }

    void update(long done, long total) {
        update(done, total, done + "/" + total);
    }

    /** Erases the line. */
    @Override
    public void close() {
        if (visible) {
            visible = false;
            err.print("\r\033[K");
            err.flush();
        }
    }
}
