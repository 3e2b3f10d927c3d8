package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.optimize.Optimizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet optimize}: a model file in the layouts that run fastest. */
@Command(name = "optimize",
        description = {"Rewrite a model in the layouts that run fastest.",
                "%nThe ternary weights are interleaved so that every core reads one sequential run. A coarse copy of the output head",
                "is added, a quarter of an F16 head's size, with which the likeliest tokens are found without reading all of it. The",
                "file is mapped like the original and gives the same results bit for bit.%n"},
        footer = {"", "Examples:", "  bitnet optimize bitnet-2b-4t.gguf -o fast.gguf && bitnet bench -m fast.gguf",
                "  bitnet optimize bitnet-2b-4t.gguf -o small-head.gguf --head q6_k --text sample.txt"})
final class OptimizeCommand extends BitNetCommand {
    private static final int COST_TOKENS = 256;

    @Parameters(paramLabel = "IN.gguf", description = "The model, with I2_S weights.")
    private Path input;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.gguf", order = 1, description = "The file to write.")
    private Path output;

    @Option(names = "--force", order = 2, description = "Replace the file if it exists.")
    private boolean force;

    @Option(names = "--head", paramLabel = "TYPE", order = 3,
            description = "Quantise the output head: q8_0, q6_k or q4_0; embeddings stay as they are. Changes logits: what it "
                    + "costs is measured over a text and printed (default: f16, the head as it is).")
    private String head = "f16";

    @Option(names = "--text", paramLabel = "FILE", order = 4,
            description = "The text for that, its first " + COST_TOKENS + " tokens (default: a page of English prose, verse and code).")
    private Path text;

    OptimizeCommand(Console console) {
        super(console);
    }

    private record Result(String input, String output, long bytes, double seconds, HeadResult head) {}

    /** Null in JSON where the head is as it was. */
    private record HeadResult(String type, long bytes, long bytesBefore, HeadCost.Result cost) {}

    @Override
    public Integer call() throws IOException {
        requireFolder(output);
        if (Files.exists(output) && !force) {
            throw new BitNetException(output + " exists; replace it with --force or choose another name");
        }
        Optional<GgmlType> headType = headType();
        if (text != null && headType.isEmpty()) {
            throw new UsageException("--text is for measuring a quantised head; name its type with --head");
        }
        String sample = headType.isPresent() ? sample() : "";
        long start = System.nanoTime();
        try (GgufFile file = ModelCommand.openFile(input);
             Kernels kernels = new Kernels(Cpu.physicalCores(), "auto");
             Progress progress = new Progress(console, "writing " + output.getFileName())) {
            Optimizer.write(file, output, headType, kernels, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        HeadResult cost = headType.isPresent() ? cost(headType.get(), sample) : null;
        report(new Result(input.toString(), output.toString(), Files.size(output), seconds, cost));
        return OK;
    }

    private Optional<GgmlType> headType() {
        return switch (head) {
            case "f16" -> Optional.empty();
            case "q8_0" -> Optional.of(GgmlType.Q8_0);
            case "q6_k" -> Optional.of(GgmlType.Q6_K);
            case "q4_0" -> Optional.of(GgmlType.Q4_0);
            default -> throw new UsageException("--head is '" + head + "'; it must be f16, q8_0, q6_k or q4_0");
        };
    }

    private String sample() throws IOException {
        if (text != null) {
            return Files.readString(text);
        }
        try (InputStream page = OptimizeCommand.class.getResourceAsStream("calibration.txt")) {
            return new String(page.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Logits of both files, which differ in the head alone, over the sample. */
    private HeadResult cost(GgmlType type, String sample) {
        ModelOptions options = ModelOptions.DEFAULT.withHead(HeadMode.EXACT).withContextLength(COST_TOKENS);
        try (BitNetModel original = ModelCommand.open(input, options); BitNetModel quantized = ModelCommand.open(output, options);
                Progress progress = new Progress(console, "measuring the head")) {
            int[] ids = original.encode(sample);
            if (ids.length == 0) {
                throw new BitNetException("the text to measure the head with is empty");
            }
            progress.update(0, 1);
            HeadCost.Result cost = HeadCost.of(original, quantized, Arrays.copyOf(ids, Math.min(ids.length, COST_TOKENS)));
            return new HeadResult(type.toString(), quantized.info().headBytes(), original.info().headBytes(), cost);
        }
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.err().printf(Locale.ROOT, "%s: %s in %.1f s%n", result.output(), Units.bytes(result.bytes()), result.seconds());
            HeadResult quantized = result.head();
            if (quantized != null) {
                HeadCost.Result cost = quantized.cost();
                console.err().printf(Locale.ROOT, "head %s: %s instead of %s; logits %.2f %% off (RMS), KL divergence %.2g nats a "
                                + "token, the same likeliest token at %.1f %% of %d positions%n", quantized.type(),
                        Units.bytes(quantized.bytes()), Units.bytes(quantized.bytesBefore()), 100 * cost.relativeError(),
                        cost.divergence(), 100 * cost.agreement(), cost.tokens());
            }
        }
    }
}
