package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.optimize.Optimizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet optimize}: a model file in the layouts that run fastest. */
@Command(name = "optimize",
        description = {"Rewrite a model in the layouts that run fastest.",
                "%nThe ternary weights are interleaved so that every core reads one sequential run. A coarse copy of the output head",
                "is added, a quarter of an F16 head's size, with which the likeliest tokens are found without reading all of it. The",
                "file is mapped like the original and gives the same results bit for bit.%n"},
        footer = {"", "Examples:", "  bitnet optimize bitnet-2b-4t.gguf -o fast.gguf && bitnet bench -m fast.gguf"})
final class OptimizeCommand extends BitNetCommand {
    @Parameters(paramLabel = "IN.gguf", description = "The model, with I2_S weights.")
    private Path input;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.gguf", order = 1, description = "The file to write.")
    private Path output;

    @Option(names = "--force", order = 2, description = "Replace the file if it exists.")
    private boolean force;

    OptimizeCommand(Console console) {
        super(console);
    }

    private record Result(String input, String output, long bytes, double seconds) {}

    @Override
    public Integer call() throws IOException {
        requireFolder(output);
        if (Files.exists(output) && !force) {
            throw new BitNetException(output + " exists; replace it with --force or choose another name");
        }
        long start = System.nanoTime();
        try (GgufFile file = ModelCommand.openFile(input);
             Kernels kernels = new Kernels(Cpu.physicalCores(), "auto");
             Progress progress = new Progress(console, "writing " + output.getFileName())) {
            Optimizer.write(file, output, kernels, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        }
        report(new Result(input.toString(), output.toString(), Files.size(output), (System.nanoTime() - start) / 1e9));
        return OK;
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.err().printf(Locale.ROOT, "%s: %s in %.1f s%n", result.output(), Units.bytes(result.bytes()), result.seconds());
        }
    }
}
