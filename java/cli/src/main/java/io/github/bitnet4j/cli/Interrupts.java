package io.github.bitnet4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends work cleanly when the process is told to end (Ctrl-C, SIGTERM): the work is told to stop, and the process waits
 * for {@link #finished}, but not for long. The JVM then exits with 128 + the signal's number.
 */
final class Interrupts implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 2;
    private static final CountDownLatch FINISHED = new CountDownLatch(1);

    private final Thread hook;
    private volatile boolean requested;

    /** Calls {@code stop} on another thread when the process is told to end, until this is closed. */
    Interrupts(Runnable stop) {
        hook = new Thread(() -> {
            requested = true;
            stop.run();
            await();
        }, "interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static void await() {
        try {
            FINISHED.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the process was told to end. */
    boolean requested() {
        return requested;
    }

    /** Says that all output is written and the process may end. */
    static void finished() {
        FINISHED.countDown();
    }

    @Override
    public void close() {
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                requested = true; // the process is ending and the hook runs
            }
        }
    }
}
