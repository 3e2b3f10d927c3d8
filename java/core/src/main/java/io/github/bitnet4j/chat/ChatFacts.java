package io.github.bitnet4j.chat;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a template has to know of the model.
 *
 * @param architecture  {@code general.architecture}
 * @param bosToken      the name of the token that begins a text; empty if there is none
 * @param eosToken      the name of the token that ends a text; empty if there is none
 * @param controlTokens the names of all control tokens
 */
public record ChatFacts(String architecture, Optional<String> bosToken, Optional<String> eosToken, List<String> controlTokens) {

    /** Copies the list; nothing is null. */
    public ChatFacts {
        Objects.requireNonNull(architecture, "architecture");
        Objects.requireNonNull(bosToken, "bosToken");
        Objects.requireNonNull(eosToken, "eosToken");
        controlTokens = List.copyOf(controlTokens);
    }
}
