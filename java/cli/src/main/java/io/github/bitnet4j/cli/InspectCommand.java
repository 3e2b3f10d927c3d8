package io.github.bitnet4j.cli;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code bitnet inspect}: what a GGUF file holds, whether it can run here or not. */
@Command(name = "inspect", sortOptions = true,
        description = {"List the metadata and tensors of a GGUF file.",
                "%nWorks with any GGUF file, and says at the end whether the model can run here.%n"},
        footer = {"", "Examples:",
                "  bitnet inspect model.gguf",
                "  bitnet inspect model.gguf --json | jq '.metadata[\"general.name\"].value'"})
final class InspectCommand extends ModelCommand {
    @Parameters(paramLabel = "FILE", arity = "0..1", description = "The file (default: that of -m).")
    private Path file;

    InspectCommand(Console console) {
        super(console);
    }

    @Override
    public Integer call() throws IOException {
        Path path = file == null ? modelPath() : file;
        try (GgufFile gguf = openFile(path)) {
            Optional<String> obstacle = obstacle(path);
            if (json) {
                InspectJson.print(console.out(), gguf, obstacle);
            } else {
                print(gguf);
                console.out().println(obstacle.map(reason -> "This model cannot run here: " + reason)
                        .orElse("This model can run here: bitnet run -m " + path));
            }
        }
        return OK;
    }

    /** Why the model cannot run; empty if it can. Opening tells, and reads next to nothing. */
    private Optional<String> obstacle(Path path) {
        try {
            open(path, modelOptions()).close();
            return Optional.empty();
        } catch (UsageException e) {
            throw e;
        } catch (RuntimeException e) {
            String reason = Errors.sentence(e);
            return Optional.of(reason.startsWith(path + ": ") ? reason.substring(path.toString().length() + 2) : reason);
        }
    }

    private void print(GgufFile gguf) {
        console.out().printf("%s: %s, GGUF version %d, %d pairs, %d tensors, %s weights (%s)%n%n", gguf.path(),
                Units.bytes(gguf.size()), gguf.version(), gguf.metadata().asMap().size(), gguf.tensors().size(),
                Units.count(gguf.tensors().stream().mapToLong(GgufTensor::elements).sum()), formats(gguf));
        Table pairs = new Table("key", "type", "value");
        gguf.metadata().asMap().forEach((key, value) ->
                pairs.row(MetadataText.escape(key), MetadataText.type(value), MetadataText.abbreviate(value)));
        pairs.print(console.out());
        Table tensors = new Table("tensor", "type", ">dims", ">bytes", ">offset");
        for (GgufTensor tensor : gguf.tensors()) {
            tensors.row(MetadataText.escape(tensor.name()), type(tensor),
                    Arrays.stream(tensor.dims()).mapToObj(Long::toString).collect(Collectors.joining(" x ")),
                    tensor.hasData() ? Long.toString(tensor.byteSize()) : "?", Long.toString(tensor.offset()));
        }
        tensors.print(console.out());
    }

    private static String formats(GgufFile gguf) {
        Map<String, Long> counts = gguf.tensors().stream()
                .collect(Collectors.groupingBy(InspectCommand::type, TreeMap::new, Collectors.counting()));
        return counts.entrySet().stream().map(entry -> entry.getValue() + " " + entry.getKey()).collect(Collectors.joining(", "));
    }

    static String type(GgufTensor tensor) {
        return tensor.type() == GgmlType.UNKNOWN ? "type " + tensor.typeId() : tensor.type().toString();
    }
}
