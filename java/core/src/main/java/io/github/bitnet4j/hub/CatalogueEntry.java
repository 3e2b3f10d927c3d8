package io.github.bitnet4j.hub;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * A published model. What is not known for certain is empty.
 *
 * @param name        short name, for the command line
 * @param repository  {@code ORG/NAME}
 * @param file        the GGUF file to pull; empty for a checkpoint
 * @param bytes       of that file
 * @param sha256      of that file
 * @param licence     as the publisher names it
 * @param temperature to sample with, as the publisher recommends
 * @param topP        likewise
 * @param template    how to talk with it: the start of a turn and its end
 * @param stopIds     ids that end an answer
 * @param note        what it is
 */
public record CatalogueEntry(String name, String repository, Optional<String> file, OptionalLong bytes, Optional<String> sha256,
                             Optional<String> licence, OptionalDouble temperature, OptionalDouble topP,
                             Optional<String> template, List<Integer> stopIds, String note) {
    public CatalogueEntry {
        Objects.requireNonNull(name, "name");
        stopIds = List.copyOf(stopIds);
    }

    /** What to pull. */
    public ModelReference reference() {
        return new ModelReference(repository, file, Optional.empty());
    }
}
