package io.github.bitnet4j.cli;

import io.github.bitnet4j.hub.CachedModel;
import io.github.bitnet4j.hub.Catalogue;
import io.github.bitnet4j.hub.CatalogueEntry;
import io.github.bitnet4j.hub.Hub;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.OptionalDouble;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bitnet list}: which models are here, or which are known. */
@Command(name = "list",
        description = {"List the models that are here.",
                "%nThese are the GGUF files and checkpoints of the cache that Hugging Face tools share, whoever fetched them.%n"},
        footer = {"", "Examples:",
                "  bitnet list",
                "  bitnet list --catalogue                  published models that 'bitnet pull' knows by name"})
final class ListCommand extends BitNetCommand {
    private static final int COMMIT_SHOWN = 7;
    private static final DateTimeFormatter MINUTES = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm");

    @Option(names = "--catalogue", order = 1, description = "List the published models that are known by name instead.")
    private boolean catalogue;

    ListCommand(Console console) {
        super(console);
    }

    /** Empty where the model is not in the catalogue. */
    private record Local(String name, String reference, String commit, String path, long bytes, String time) {}

    /** Null is what is not known. */
    private record Known(String name, String repository, String file, Long bytes, String sha256, String licence,
                         Double temperature, Double topP, String template, List<Integer> stopIds, String note) {}

    @Override
    public Integer call() {
        if (catalogue) {
            catalogue(Catalogue.entries());
        } else {
            local(new Hub(console.hub().get()).models());
        }
        return OK;
    }

    private void local(List<CachedModel> models) {
        if (json) {
            Json.print(console.out(), models.stream().map(model -> new Local(name(model), model.reference(), model.commit(),
                    model.path().toString(), model.bytes(), model.time().toString())).toList());
            return;
        }
        if (models.isEmpty()) {
            console.err().println("bitnet: no model is here yet; 'bitnet list --catalogue' shows some, and 'bitnet pull NAME' "
                    + "fetches one");
            return;
        }
        Table table = new Table("name", "commit", ">size", "when", "path");
        for (CachedModel model : models) {
            String name = name(model);
            table.row(name.isEmpty() ? model.reference() : name,
                    model.commit().substring(0, Math.min(COMMIT_SHOWN, model.commit().length())), Units.bytes(model.bytes()),
                    MINUTES.format(LocalDateTime.ofInstant(model.time(), ZoneId.systemDefault())), model.path().toString());
        }
        table.print(console.out());
    }

    private static String name(CachedModel model) {
        return Catalogue.entries().stream()
                .filter(entry -> entry.repository().equals(model.repository()) && entry.file().orElse("").equals(model.file()))
                .map(CatalogueEntry::name).findFirst().orElse("");
    }

    private void catalogue(List<CatalogueEntry> entries) {
        if (json) {
            Json.print(console.out(), entries.stream().map(ListCommand::known).toList());
            return;
        }
        Table table = new Table("name", ">size", "licence", "repository", "what it is");
        for (CatalogueEntry entry : entries) {
            table.row(entry.name(), entry.bytes().isPresent() ? Units.bytes(entry.bytes().getAsLong()) : "",
                    entry.licence().orElse(""), entry.repository(), entry.note());
        }
        table.print(console.out());
    }

    private static Known known(CatalogueEntry entry) {
        return new Known(entry.name(), entry.repository(), entry.file().orElse(null),
                entry.bytes().isPresent() ? entry.bytes().getAsLong() : null, entry.sha256().orElse(null),
                entry.licence().orElse(null), value(entry.temperature()), value(entry.topP()), entry.template().orElse(null),
                entry.stopIds(), entry.note());
    }

    private static Double value(OptionalDouble number) {
        return number.isPresent() ? number.getAsDouble() : null;
    }
}
