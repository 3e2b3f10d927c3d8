package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet convert}: a model file with its ternary weights in another format. */
@Command(name = "convert",
        description = {"Write a model with its ternary weights in another format.",
                "%nWeights and scales stay what they are, bit for bit; a copy converted back holds the same tensors.%n"},
        footer = {"", "Examples:",
                "  bitnet convert bitnet-2b-4t.gguf -o tl2.gguf --type tl2",
                "  bitnet convert foreign-tl1.gguf -o plain.gguf --type i2_s --tl-tiles 256/128/32"})
final class ConvertCommand extends BitNetCommand {
    @Parameters(paramLabel = "IN.gguf", description = "The model, with I2_S, TL1 or TL2 weights.")
    private Path input;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.gguf", order = 1, description = "The file to write.")
    private Path output;

    @Option(names = "--type", required = true, paramLabel = "TYPE", order = 2, description = "Format of the weights: i2_s, tl1 or tl2.")
    private String type;

    @Option(names = "--tl-tiles", paramLabel = "TILES", order = 3, description = TlTilesArgument.OF_A_CONVERSION)
    private String tlTiles;

    @Option(names = "--force", order = 4, description = "Replace the file if it exists.")
    private boolean force;

    ConvertCommand(Console console) {
        super(console);
    }

    private record Result(String input, String output, String type, long bytes, double seconds) {}

    @Override
    public Integer call() throws IOException {
        GgmlType target = target();
        requireFolder(output);
        if (Files.exists(output) && !force) {
            throw new BitNetException(output + " exists; replace it with --force or choose another name");
        }
        long start = System.nanoTime();
        try (GgufFile file = ModelCommand.openFile(input);
             Kernels kernels = new Kernels(Cpu.physicalCores(), "auto");
             Progress progress = new Progress(console, "writing " + output.getFileName())) {
            GgufConverter.write(file, output, target, TlTilesArgument.parse(tlTiles), kernels, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        }
        report(new Result(input.toString(), output.toString(), type, Files.size(output), (System.nanoTime() - start) / 1e9));
        return OK;
    }

    private GgmlType target() {
        return GgufConverter.TYPES.stream().filter(known -> name(known).equals(type)).findFirst()
                .orElseThrow(() -> new UsageException("--type is '" + type + "'; it must be one of "
                        + GgufConverter.TYPES.stream().map(ConvertCommand::name).collect(Collectors.joining(", "))));
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
