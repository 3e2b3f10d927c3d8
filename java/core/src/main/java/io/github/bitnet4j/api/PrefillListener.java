package io.github.bitnet4j.api;

/** Hears of the progress of a prefill, after each batch, on the thread that prefills. */
@FunctionalInterface
public interface PrefillListener {
    /** Ignores progress. */
    PrefillListener NONE = (done, total) -> {};

    /**
     * @param done  prompt tokens processed
     * @param total prompt tokens in all
     */
    void progress(int done, int total);
}
