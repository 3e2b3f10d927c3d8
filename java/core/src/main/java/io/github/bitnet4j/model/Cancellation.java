package io.github.bitnet4j.model;

/**
 * A one-way switch that one thread throws while another computes. The kernels that run for its owner, and only those,
 * are told to stop.
 */
public final class Cancellation {
    private boolean cancelled;
    private Kernels running;

    /** Stops the computation that runs under this switch now, and every later one. Any thread. */
    public synchronized void cancel() {
        cancelled = true;
        if (running != null) {
            running.cancel();
        }
    }

    public synchronized boolean isCancelled() {
        return cancelled;
    }

    synchronized void begin(Kernels kernels) {
        if (cancelled) {
            throw new CancelledException();
        }
        running = kernels;
    }

    synchronized void end() {
        running.resume();
        running = null;
    }
}
