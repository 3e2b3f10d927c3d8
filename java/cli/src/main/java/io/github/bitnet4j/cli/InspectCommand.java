package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.ModelCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet inspect}: what a GGUF file holds, whether it can run here or not. */
@Command(name = "inspect", sortOptions = true,
        description = {"List the metadata and tensors of a GGUF file.",
                "%nWorks with any GGUF file, and says at the end whether the model can run here.%n"},
        footer = {"", "Examples:",
                "  bitnet inspect model.gguf", "  bitnet inspect model.gguf --check",
                "  bitnet inspect model.gguf --json | jq '.metadata[\"general.name\"].value'"})
final class InspectCommand extends ModelCommand {
    @Parameters(paramLabel = "MODEL", arity = "0..1", description = "The model, as -m takes it (default: that of -m).")
    private String named;

    @Option(names = "--check", order = 1, description = "Read every weight, and fail if the file holds what no intact one does: a "
            + "ternary weight that is none of -1, 0 and 1, a scale that is no positive number, a NaN or an infinity. Of I2_S "
            + "weights, also say in which order they lie (--i2s-order): that in which English text is likely.")
    private boolean check;

    InspectCommand(Console console) {
        super(console);
    }

    @Override
    public Integer call() throws IOException {
        Path path = named == null ? modelPath() : ModelArgument.gguf(named, "inspect", console);
        try (GgufFile gguf = openFile(path)) {
            if (check) {
                check(gguf);
            }
            Trial trial = trial(path);
            Optional<I2sOrderTrial> order = check && trial.obstacle().isEmpty() && hasOrder(gguf)
                    ? Optional.of(order(gguf)) : Optional.empty();
            if (json) {
                InspectJson.print(console.out(), gguf, trial.obstacle(), order);
            } else {
                print(gguf);
                order.ifPresent(found -> console.out().println(found.text()));
                console.out().println(trial.obstacle().map(reason -> "This model cannot run here: " + reason)
                        .orElse("This model can run here" + trial.repacked() + ": bitnet run -m " + path + option(order)));
            }
        }
        return OK;
    }

    private void check(GgufFile gguf) {
        ModelOptions options = modelOptions();
        try (Kernels kernels = new Kernels(options.threads() > 0 ? options.threads() : Cpu.physicalCores(), options.isa());
             Progress progress = new Progress(console, "reading " + gguf.path().getFileName())) {
            ModelCheck.verify(gguf, options.layout(), kernels, (done, total) ->
                    progress.update(done, total, Units.bytes(done) + " of " + Units.bytes(total)));
        }
    }

    /** Whether there is an order to find, and a head to find it with. */
    private static boolean hasOrder(GgufFile gguf) {
        return gguf.tensors().stream().anyMatch(tensor -> tensor.type() == GgmlType.I2_S)
                && Architecture.of(gguf).map(Architecture::hasHead).orElse(false);
    }

    private I2sOrderTrial order(GgufFile gguf) throws IOException {
        try (Progress progress = new Progress(console, "reading a text")) {
            progress.update(0, 1);
            return I2sOrderTrial.of(gguf, modelOptions());
        }
    }

    /** What a run needs to be told. */
    private static String option(Optional<I2sOrderTrial> order) {
        return order.flatMap(I2sOrderTrial::order).filter(found -> found != I2sOrder.BLOCKS_128)
                .map(found -> " --i2s-order " + found.text()).orElse("");
    }

    /**
     * What came of opening the model.
     *
     * @param obstacle why it cannot run; empty if it can
     * @param repacked of its weights, for the end of a sentence
     */
    private record Trial(Optional<String> obstacle, String repacked) {}

    /** Opening tells. */
    private Trial trial(Path path) {
        try (BitNetModel model = open(path, modelOptions().withHead(HeadMode.AUTO))) {
            return new Trial(Optional.empty(), Loading.of(model.weightMemory()).repackedText());
        } catch (UsageException e) {
            throw e;
        } catch (RuntimeException e) {
            String reason = Errors.sentence(e);
            return new Trial(Optional.of(reason.startsWith(path + ": ") ? reason.substring(path.toString().length() + 2) : reason), "");
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
