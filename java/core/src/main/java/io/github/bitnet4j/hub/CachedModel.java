package io.github.bitnet4j.hub;

import java.nio.file.Path;
import java.time.Instant;

/**
 * A model that is here.
 *
 * @param repository {@code ORG/NAME}
 * @param file       the GGUF file in it; empty for a checkpoint's folder
 * @param commit     of which it is
 * @param path       what to open
 * @param bytes      of its files
 * @param time       when the last of them arrived
 */
public record CachedModel(String repository, String file, String commit, Path path, long bytes, Instant time) {

    /** {@code ORG/NAME}, or {@code ORG/NAME/FILE}. */
    public String reference() {
        return file.isEmpty() ? repository : repository + "/" + file;
    }
}
