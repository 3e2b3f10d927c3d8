package io.github.bitnet4j.model;

/** Hears how far the copying of weights has come when a model is opened with {@link LoadMode#HUGEPAGES}. */
@FunctionalInterface
public interface LoadListener {
    LoadListener NONE = (done, total) -> {};

    /** Called on the opening thread, after each tensor; an exception ends the opening. */
    void progress(long bytesDone, long bytesTotal);
}
