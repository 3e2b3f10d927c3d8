package io.github.bitnet4j.cli;

import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthPreset;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet synth}: a random model of a published shape, to measure with. */
@Command(name = "synth",
        description = {"Write a random model of a published shape.",
                "%nIt runs as fast as a trained one, and talks nonsense.%n"},
        footer = {"", "Examples:",
                "  bitnet synth m.gguf --preset 2b-4t       1.19 GB, the shape of microsoft/bitnet-b1.58-2B-4T",
                "  bitnet synth m.gguf --preset 2b-4t --gate-sparsity 0.8      as trained models may have it",
                "  bitnet synth m.gguf --preset tiny --seed 7 --zeros 0.5 --force"})
final class SynthCommand extends BitNetCommand {
    @Parameters(paramLabel = "OUT.gguf", description = "The file to write.")
    private Path output;

    @Option(names = "--preset", required = true, paramLabel = "NAME", order = 1,
            description = "2b-4t, large, 3b, llama3-8b, falcon3-1b, falcon3-3b, falcon3-7b, falcon3-10b, falcon-e-1b, falcon-e-3b, "
                    + "embedding-0.6b, embedding-270m, tiny, tiny-bitnet, tiny-llama, tiny-qwen3 or tiny-gemma3.")
    private String preset;

    @Option(names = "--seed", paramLabel = "N", order = 2, description = "The same seed gives the same file (default: 42).")
    private long seed = 42;

    @Option(names = "--zeros", paramLabel = "P", order = 3, description = "Share of weights that are zero (default: 0.42).")
    private double zeros = 0.42;

    @Option(names = "--gate-sparsity", paramLabel = "P", order = 4,
            description = "Share of ReLU² gates that are closed, above 0 and below 1 (default: 0.5, which symmetric weights have).")
    private double gateSparsity = 0.5;

    @Option(names = "--force", order = 5, description = "Replace the file if it exists.")
    private boolean force;

    SynthCommand(Console console) {
        super(console);
    }

    private record Result(String output, String preset, long seed, double zeros, double gateSparsity, long bytes, double seconds) {}

    @Override
    public Integer call() throws IOException {
        SynthPreset shape = SynthPreset.byId(preset).orElseThrow(
                () -> new UsageException("there is no preset '" + preset + "'; known are " + SynthPreset.ids()));
        SynthSpec spec = ModelCommand.checked(() -> shape.spec().toBuilder().seed(seed).zeros(zeros).gateSparsity(gateSparsity).build());
        requireNew(output, force);
        long start = System.nanoTime();
        try (Progress progress = new Progress(console, "writing " + output.getFileName())) {
            Synth.write(spec, output, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        }
        report(new Result(output.toString(), preset, seed, zeros, gateSparsity, Files.size(output), (System.nanoTime() - start) / 1e9));
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
