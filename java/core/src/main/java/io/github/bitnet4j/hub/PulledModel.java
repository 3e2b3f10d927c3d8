package io.github.bitnet4j.hub;

import java.nio.file.Path;

/**
 * What a pull brought.
 *
 * @param repository {@code ORG/NAME}
 * @param commit     what the revision meant
 * @param path       what to open: a GGUF file, or a checkpoint's folder
 * @param bytes      of its files
 * @param known      whether it is the file of which the catalogue has the checksum; true where it has none
 */
public record PulledModel(String repository, String commit, Path path, long bytes, boolean known) {}
