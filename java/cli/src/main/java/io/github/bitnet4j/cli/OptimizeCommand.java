package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.optimize.Calibration;
import io.github.bitnet4j.optimize.FeedForward;
import io.github.bitnet4j.optimize.LayoutPlan;
import io.github.bitnet4j.optimize.Optimizer;
import io.github.bitnet4j.optimize.Target;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitnet optimize}: a model file in the layouts that run fastest. */
@Command(name = "optimize",
        description = {"Rewrite a model in the layouts that run fastest.",
                "%nTernary weights are laid out so that every core reads one sequential run, five weights a byte where the target "
                + "unpacks them as fast as it reads. Of models with ReLU² a short text shows which feed-forward blocks leave most "
                + "gates closed: there rows and columns that a token does not need are not read. A coarse copy of the output head "
                + "is added, a quarter of an F16 head's size, with which the likeliest tokens are found without reading all of it. "
                + "The file is mapped like the original, runs on every CPU and gives the same results bit for bit.%n"},
        footer = {"", "Examples:", "  bitnet optimize bitnet-2b-4t -o fast.gguf && bitnet bench -m fast.gguf",
                "  bitnet optimize bitnet-2b-4t.gguf -o fast.gguf --target avx2 --calibrate letters.txt",
                "  bitnet optimize bitnet-2b-4t.gguf -o small-head.gguf --head q6_k --text sample.txt"})
final class OptimizeCommand extends BitNetCommand {
    private static final int COST_TOKENS = 256;

    @Parameters(paramLabel = "MODEL", description = ModelArgument.TERNARY)
    private String model;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.gguf", order = 1, description = "The file to write.")
    private Path output;

    @Option(names = "--force", order = 2, description = "Replace the file if it exists.")
    private boolean force;

    @Option(names = "--target", paramLabel = "NAME", order = 3,
            description = "The CPU target to choose layouts for, such as avx2 ('bitnet doctor' lists them; default: auto, this "
                    + "machine's, with the layout that its cores together are measured to be faster with).")
    private String target = "auto";

    @Option(names = "--ffn", paramLabel = "MODE", order = 4,
            description = "Feed-forward blocks of models with ReLU²: auto, by what a text shows; sparse or dense (default: auto).")
    private String ffn = "auto";

    @Option(names = "--head", paramLabel = "TYPE", order = 5,
            description = "Quantise the output head: q8_0, q6_k or q4_0; embeddings stay as they are. Changes logits: what it "
                    + "costs is measured over a text and printed (default: f16, the head as it is).")
    private String head = "f16";

    @Option(names = {"--calibrate", "--text"}, paramLabel = "FILE", order = 6,
            description = "The text: its first " + Calibration.ENOUGH + " tokens decide for --ffn auto, its first " + COST_TOKENS
                    + " measure --head (default: a page of English prose, verse and code).")
    private Path text;

    @Option(names = "--tl-tiles", paramLabel = "TILES", order = 7, description = TlTilesArgument.OF_A_MODEL)
    private String tlTiles;

    @Option(names = "--i2s-order", paramLabel = "ORDER", order = 8, description = I2sOrderArgument.DESCRIPTION)
    private String i2sOrder = "128";

    OptimizeCommand(Console console) {
        super(console);
    }

    /** A layer's shares and the formats that they led to. */
    private record Layer(double openGates, String up, double activeInputs, String down) {}

    /** Speeds are multiply-adds a second, none where the target was named. The head is null in JSON where it is as it was. */
    private record Result(String input, String output, long bytes, double seconds, String target, String dense,
                          Map<GgmlType, Double> speeds, int calibrationTokens, List<Layer> layers, HeadResult head) {}

    private record HeadResult(String type, long bytes, long bytesBefore, HeadCost.Result cost) {}

    @Override
    public Integer call() throws IOException {
        FeedForward mode = mode();
        Optional<GgmlType> headType = headType();
        if (text != null && mode != FeedForward.AUTO && headType.isEmpty()) {
            throw new UsageException("a text has no use with --ffn " + ffn + " and the head as it is, which are done without one");
        }
        TernaryLayout layout = new TernaryLayout(TlTilesArgument.parse(tlTiles), I2sOrderArgument.parse(i2sOrder));
        requireIsa("--target", target);
        requireNew(output, force);
        String sample = sample();
        Path input = ModelArgument.gguf(model, "optimize", console);
        long start = System.nanoTime();
        LayoutPlan plan;
        try (GgufFile file = ModelCommand.openFile(input); Kernels kernels = new Kernels(Cpu.physicalCores(), "auto")) {
            Optimizer.requirePlain(file);
            Target chosen = target.equals("auto") ? Target.measured(kernels) : Target.named(target, kernels);
            Optional<Calibration> calibration = LayoutPlan.needsCalibration(file, mode)
                    ? Optional.of(calibrate(file, layout, kernels, sample)) : Optional.empty();
            plan = LayoutPlan.of(file, chosen, mode, calibration);
            try (Progress progress = new Progress(console, "writing " + output.getFileName())) {
                Optimizer.write(file, layout, plan, headType, output, kernels, (written, total) ->
                        progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        report(input, plan, seconds, headType.isPresent() ? cost(input, layout, headType.get(), sample) : null);
        return OK;
    }

    private FeedForward mode() {
        return switch (ffn) {
            case "auto" -> FeedForward.AUTO;
            case "sparse" -> FeedForward.SPARSE;
            case "dense" -> FeedForward.DENSE;
            default -> throw new UsageException("--ffn is '" + ffn + "'; it must be auto, sparse or dense");
        };
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
        return text != null ? Files.readString(text) : SampleText.read();
    }

    private Calibration calibrate(GgufFile file, TernaryLayout layout, Kernels kernels, String sample) {
        int[] ids = BitNetModel.tokenizer(file).encode(sample, SpecialTokens.LITERAL);
        if (ids.length == 0) {
            throw new BitNetException("the text to look at gates with is empty");
        }
        try (Progress progress = new Progress(console, "looking at gates")) {
            return Calibration.measure(file, layout, kernels, Arrays.copyOf(ids, Math.min(ids.length, Calibration.ENOUGH)),
                    (done, total) -> progress.update(done, total, done + " of " + total + " tokens"));
        }
    }

    /** Logits of both files, which differ in the head alone, over the sample. */
    private HeadResult cost(Path input, TernaryLayout layout, GgmlType type, String sample) {
        ModelOptions options = ModelOptions.DEFAULT.withHead(HeadMode.EXACT).withContextLength(COST_TOKENS);
        try (BitNetModel original = ModelCommand.open(input, options.withLayout(layout));
                BitNetModel quantized = ModelCommand.open(output, options);
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

    private void report(Path input, LayoutPlan plan, double seconds, HeadResult quantized) throws IOException {
        List<Calibration.Layer> shares = plan.calibration().map(Calibration::layers).orElse(List.of());
        List<Layer> layers = IntStream.range(0, shares.size()).mapToObj(i -> new Layer(shares.get(i).openGates(),
                plan.layout(i, "ffn_up").name(), shares.get(i).activeInputs(), plan.layout(i, "ffn_down").name())).toList();
        Result result = new Result(input.toString(), output.toString(), Files.size(output), seconds, plan.target().name(),
                plan.target().dense().name(), plan.target().speeds(), plan.calibration().map(Calibration::tokens).orElse(0), layers, quantized);
        if (json) {
            Json.print(console.out(), result);
        } else {
            print(result);
        }
    }

    private void print(Result result) {
        if (!result.layers().isEmpty()) {
            Table table = new Table(">layer", ">open gates", "ffn_up", ">active inputs", "ffn_down");
            for (int i = 0; i < result.layers().size(); i++) {
                Layer layer = result.layers().get(i);
                table.row(String.valueOf(i), percent(layer.openGates()), layer.up(), percent(layer.activeInputs()), layer.down());
            }
            table.print(console.out());
        }
        console.err().printf(Locale.ROOT, "%s: %s for %s, dense matrices in %s%s, in %.1f s%n", result.output(),
                Units.bytes(result.bytes()), result.target(), result.dense(), speeds(result.speeds()), result.seconds());
        HeadResult quantized = result.head();
        if (quantized != null) {
            HeadCost.Result cost = quantized.cost();
            console.err().printf(Locale.ROOT, "head %s: %s instead of %s; logits %.2f %% off (RMS), KL divergence %.2g nats a "
                            + "token, the same likeliest token at %.1f %% of %d positions%n", quantized.type(),
                    Units.bytes(quantized.bytes()), Units.bytes(quantized.bytesBefore()), 100 * cost.relativeError(),
                    cost.divergence(), 100 * cost.agreement(), cost.tokens());
        }
    }

    /** Such as {@code  (I2_R16 123, B3_R80 158 G multiply-adds/s)}. */
    private static String speeds(Map<GgmlType, Double> measured) {
        return measured.isEmpty() ? "" : measured.entrySet().stream()
                .map(one -> String.format(Locale.ROOT, "%s %.0f", one.getKey(), one.getValue() / 1e9))
                .collect(Collectors.joining(", ", " (", " G multiply-adds/s)"));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }
}
