package io.github.bitnet4j.cli;

import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.huggingface.CheckpointConverter;
import io.github.bitnet4j.model.I2sOrder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet convert}: a model file with its ternary weights in another format. */
@Command(name = "convert",
        description = {"Write a GGUF file, or a Hugging Face folder, as a GGUF file with ternary weights of a format.",
                "%nThe ternary weights and their scales are the same bit for bit in i2_s, tl1, tl2, tq1_0 and tq2_0; a copy converted "
                + "back holds the same tensors. A folder of weights as they were trained (bf16) is quantised as in training. f16 "
                + "writes each weight's value, for other programs: it is not ternary any more and does not run here.%n"},
        footer = {"", "Examples:",
                "  bitnet convert bitnet-b1.58-2B-4T-bf16 -o 2b.gguf --type i2_s --head q6_k",
                "  bitnet convert bitnet-2b-4t -o tl2.gguf --type tl2      the model that 'bitnet pull bitnet-2b-4t' fetched",
                "  bitnet convert foreign-tl1.gguf -o plain.gguf --type i2_s --tl-tiles 256/128/32"})
final class ConvertCommand extends BitNetCommand {
    @Parameters(paramLabel = "MODEL", description = ModelArgument.TERNARY)
    private String model;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.gguf", order = 1, description = "The file to write.")
    private Path output;

    @Option(names = "--type", required = true, paramLabel = "TYPE", order = 2, description = "Format of the weights: i2_s, tl1, tl2, "
            + "tq1_0, tq2_0 or f16.")
    private String type;

    @Option(names = "--head", paramLabel = "TYPE", order = 3, description = "Type of the output head: f16, q8_0, q6_k or q4_0, of "
            + "which all but f16 change logits (default: the type that a GGUF file has, f16 of a folder).")
    private String head;

    @Option(names = "--i2s-order", paramLabel = "ORDER", order = 4, description = I2sOrderArgument.DESCRIPTION)
    private String i2sOrder = "128";

    @Option(names = "--tl-tiles", paramLabel = "TILES", order = 5, description = TlTilesArgument.OF_A_CONVERSION)
    private String tlTiles;

    @Option(names = "--force", order = 6, description = "Replace the file if it exists.")
    private boolean force;

    ConvertCommand(Console console) {
        super(console);
    }

    private record Result(String input, String output, String type, long bytes, double seconds) {}

    @Override
    public Integer call() throws IOException {
        TargetFormats target = new TargetFormats(type("--type", type, TargetFormats.LINEARS), TlTilesArgument.parse(tlTiles),
                Optional.ofNullable(head).map(name -> type("--head", name, TargetFormats.HEADS)));
        I2sOrder order = I2sOrderArgument.parse(i2sOrder);
        Path input = ModelArgument.path(model, "convert", console);
        requireNew(output, force);
        long start = System.nanoTime();
        try (Progress progress = new Progress(console, "writing " + output.getFileName())) {
            convert(input, target, order, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        }
        report(new Result(input.toString(), output.toString(), type, Files.size(output), (System.nanoTime() - start) / 1e9));
        return OK;
    }

    private void convert(Path input, TargetFormats target, I2sOrder order, GgufWriter.Progress progress) throws IOException {
        if (Files.isDirectory(input)) {
            requireTiled(target, false);
            CheckpointConverter.convert(input, output, target, progress);
            return;
        }
        try (GgufFile file = ModelCommand.openFile(input)) {
            requireTiled(target, GgufConverter.lacksTiles(file));
            GgufConverter.write(file, output, target, order, progress);
        }
    }

    /** @param lacksTiles whether the input needs the option */
    private void requireTiled(TargetFormats target, boolean lacksTiles) {
        if (tlTiles != null && !lacksTiles && target.linears() != GgmlType.TL1 && target.linears() != GgmlType.TL2) {
            throw new UsageException("--tl-tiles is given, but " + model + " has no TL1 or TL2 weights of unknown tiles, and --type "
                    + type + " has no tiles; leave it out");
        }
    }

    private static GgmlType type(String option, String text, List<GgmlType> known) {
        return known.stream().filter(each -> name(each).equals(text)).findFirst()
                .orElseThrow(() -> new UsageException(option + " is '" + text + "'; it must be one of "
                        + known.stream().map(ConvertCommand::name).collect(Collectors.joining(", "))));
    }

    private static String name(GgmlType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.err().printf(Locale.ROOT, "%s: %s in %.1f s%n", result.output(), Units.bytes(result.bytes()), result.seconds());
        }
    }
}
