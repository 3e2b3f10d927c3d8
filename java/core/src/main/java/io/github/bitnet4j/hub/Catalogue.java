package io.github.bitnet4j.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** The published ternary models that are known: {@code models/catalogue.json}, which is a resource of this library. */
public final class Catalogue {
    private static final String RESOURCE = "/io/github/bitnet4j/hub/catalogue.json";

    private Catalogue() {}

    /** All entries, in the order of the file. */
    public static List<CatalogueEntry> entries() {
        List<CatalogueEntry> entries = new ArrayList<>();
        try (InputStream in = Catalogue.class.getResourceAsStream(RESOURCE)) {
            new ObjectMapper().readTree(in).forEach(node -> entries.add(entry(node)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.copyOf(entries);
    }

    /** The entry of a short name. */
    public static Optional<CatalogueEntry> find(String name) {
        return entries().stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /** The entry of a repository and file. */
    static Optional<CatalogueEntry> find(String repository, Optional<String> file) {
        return entries().stream().filter(entry -> entry.repository().equals(repository) && entry.file().equals(file)).findFirst();
    }

    private static CatalogueEntry entry(JsonNode node) {
        JsonNode bytes = node.path("bytes");
        List<Integer> stopIds = new ArrayList<>();
        node.path("stop_ids").forEach(id -> stopIds.add(id.asInt()));
        return new CatalogueEntry(node.required("name").asText(), node.required("repository").asText(), text(node, "file"),
                bytes.isNumber() ? OptionalLong.of(bytes.asLong()) : OptionalLong.empty(), text(node, "sha256"),
                text(node, "licence"), number(node.path("sampling").path("temperature")),
                number(node.path("sampling").path("top_p")), text(node, "template"), stopIds, node.required("note").asText());
    }

    private static Optional<String> text(JsonNode node, String key) {
        return Optional.ofNullable(node.path(key).textValue());
    }

    private static OptionalDouble number(JsonNode node) {
        return node.isNumber() ? OptionalDouble.of(node.asDouble()) : OptionalDouble.empty();
    }
}
