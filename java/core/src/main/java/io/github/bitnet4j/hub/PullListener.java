package io.github.bitnet4j.hub;

/** Hears how far a pull has come. */
@FunctionalInterface
public interface PullListener {
    /** Hears nothing. */
    PullListener NONE = (done, total, file) -> {};

    /**
     * Called on the thread that pulls, often.
     *
     * @param done  bytes of the model that are here
     * @param total bytes of the model
     * @param file  the one that is being fetched
     */
    void progress(long done, long total, String file);
}
