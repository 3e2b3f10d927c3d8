package io.github.bitnet4j.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.WholeFile;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.HeadUse;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.cli.bench.BenchReport;
import io.github.bitnet4j.cli.bench.BenchTest;
import io.github.bitnet4j.cli.bench.Comparison;
import io.github.bitnet4j.cli.bench.Energy;
import io.github.bitnet4j.cli.bench.HtmlReport;
import io.github.bitnet4j.cli.bench.KernelBench;
import io.github.bitnet4j.cli.bench.ModelBench;
import io.github.bitnet4j.cli.bench.PlotFiles;
import io.github.bitnet4j.cli.bench.ReportFile;
import io.github.bitnet4j.cli.bench.ReportTables;
import io.github.bitnet4j.cli.bench.Roof;
import io.github.bitnet4j.cli.bench.Sampled;
import io.github.bitnet4j.cli.bench.TestResult;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.KernelShapes;
import io.github.bitnet4j.synth.SynthPreset;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet bench}: llama-bench's tests, beside what this machine would allow. */
@Command(name = "bench",
        description = {"Measure the speed of a model and of the kernels.",
                "%nThe tests are those of llama-bench: ppN reads a prompt of N tokens, tgN generates N tokens one by "
                + "one, '@ dD' means after D tokens. Beside the tokens a second stand the bytes of weights, keys and "
                + "values that a test had to read a second and their share of the bandwidth at which the same threads "
                + "merely read the same memory, and its int8 multiply-adds and their share of what the instruction set "
                + "multiplies on registers.%n"},
        footer = {"", "Lists such as '-t 1,2' are measured one after the other.", "", "Examples:",
                "  bitnet bench -m bitnet-2b-4t.gguf -t 1,2",
                "  bitnet bench -m bitnet-2b-4t.gguf -p 0 -n 64 -d 0,1024,3072 --csv",
                "  bitnet bench -m bitnet-2b-4t.gguf -t 1,2 --kernels --html report.html",
                "  bitnet bench --from ours.json --compare llama-bench.json --plots plots"})
final class BenchCommand extends ModelCommand {
    enum Format { MD, JSON, CSV }

    @Option(names = "-p", split = ",", paramLabel = "N", order = 1, description = "Prompt tokens, 0 for none (default: 512).")
    private List<Integer> prompts = List.of(512);

    @Option(names = "-n", split = ",", paramLabel = "N", order = 2, description = "Generated tokens, 0 for none (default: 128).")
    private List<Integer> generations = List.of(128);

    @Option(names = "-d", split = ",", paramLabel = "N", order = 3, description = "Tokens in the context before (default: 0).")
    private List<Integer> depths = List.of(0);

    @Option(names = "-b", split = ",", paramLabel = "N", order = 4, description = "Most tokens of a prompt in one pass (default: 512).")
    private List<Integer> batches = List.of(ModelOptions.DEFAULT.batchSize());

    @Option(names = "-r", paramLabel = "N", order = 5, description = "Runs of each test, after one or more to warm up (default: 5).")
    private int runs = 5;

    @Option(names = "--kernels", split = ",", arity = "0..1", paramLabel = "WORDS", fallbackValue = "", order = 6,
            description = "Also time the kernels, or those whose names contain a word, of every instruction set that this CPU "
                    + "has, or of that of --isa.")
    private List<String> kernelWords;

    @Option(names = "--shapes", paramLabel = "PRESET", order = 7,
            description = "Published model whose shapes the kernels run: one of those of 'bitnet synth' (default: 2b-4t).")
    private String shapes = SynthPreset.B2_4T.id();

    @Option(names = "-o", paramLabel = "FORMAT", order = 8, description = "md, json or csv (default: md).")
    private Format format = Format.MD;

    @Option(names = "--csv", order = 9, description = "The same as -o csv.")
    private boolean csv;

    @Option(names = "--html", paramLabel = "FILE", order = 10, description = "Write a report with plots, one page in one file.")
    private Path html;

    @Option(names = "--plots", paramLabel = "FOLDER", order = 11, description = "Write the plots as SVG and PNG.")
    private Path plots;

    @Option(names = "--from", split = ",", paramLabel = "FILE", order = 12,
            description = "Measure nothing: report what earlier runs wrote with --json.")
    private List<Path> from = List.of();

    @Option(names = "--compare", split = ",", paramLabel = "[NAME=]FILE", order = 13,
            description = "Ratios to another report of 'bitnet bench --json' or 'llama-bench -o json', test by test; NAME is "
                    + "what the other program is called there.")
    private List<String> others = List.of();

    @Mixin
    private HeadArgument head;

    private final List<TestResult> results = new ArrayList<>();
    private final List<Roof> roofs = new ArrayList<>();
    private Map<String, String> kernels = Map.of();
    private HeadUse headUse = new HeadUse(0, 0, 0);

    BenchCommand(Console console) {
        super(console);
    }

    @Override
    public Integer call() throws IOException {
        if (html != null) {
            requireFolder(html);
        }
        if (plots != null) {
            Files.createDirectories(plots);
        }
        List<Sampled> samples = new ArrayList<>();
        for (String other : others) {
            int end = other.indexOf('=');
            Path file = Path.of(other.substring(end + 1));
            JsonNode document = Json.read(file);
            ReportFile.samples(file, document, ReportFile.isReport(document) ? report(file) : null)
                    .forEach(test -> samples.add(end < 0 ? test : test.called(other.substring(0, end))));
        }
        BenchReport report = from.isEmpty() ? measured() : BenchReport.of(from.stream().map(this::report).toList());
        report = report.withComparisons(Comparison.of(report.tests(), samples));
        print(report);
        if (html != null) {
            WholeFile.write(html, HtmlReport.of(report).getBytes(StandardCharsets.UTF_8));
        }
        if (plots != null) {
            PlotFiles.write(report, plots);
        }
        if (!others.isEmpty() && report.comparisons().isEmpty()) {
            throw new BitNetException(String.join(", ", others)
                    + ": no test there has the name and the threads of one here; there are "
                    + samples.stream().map(test -> test.test() + " with " + test.threads()).distinct()
                            .collect(Collectors.joining(", ")));
        }
        return OK;
    }

    /** A report that this program wrote. */
    private BenchReport report(Path file) {
        JsonNode document = Json.read(file);
        if (!ReportFile.isReport(document)) {
            throw new BitNetException(file + " is no output of 'bitnet bench --json'");
        }
        return Json.as(file, document, BenchReport.class);
    }

    // ---- measuring ----

    private BenchReport measured() {
        check("-p", prompts, 0);
        check("-n", generations, 0);
        check("-d", depths, 0);
        check("-b", batches, 1);
        if (runs < 1) {
            throw new UsageException("-r " + runs + " measures nothing; it must be 1 or more");
        }
        List<BenchTest> tests = BenchTest.of(prompts, generations, depths);
        if (tests.isEmpty() && kernelWords == null) {
            throw new UsageException("there is no test; -p or -n must be above 0, or --kernels be given");
        }
        KernelBench trials = new KernelBench(kernelShapes(), kernelWords == null ? List.of()
                : kernelWords.stream().filter(word -> !word.isEmpty()).toList());
        int positions = ctx(tests.stream().mapToInt(BenchTest::positions).max().orElse(1));
        for (int threads : threadCounts()) {
            for (int batch : tests.isEmpty() ? List.<Integer>of() : batches) {
                measure(checked(() -> modelOptions(threads).withContextLength(positions).withBatchSize(batch).withHead(head.mode())),
                        tests);
            }
            if (kernelWords != null) {
                measure(trials, threads > 0 ? threads : Cpu.physicalCores());
            }
        }
        trials.leftOut().forEach(sentence -> console.err().println("bitnet: left out: " + sentence));
        roofs.addAll(trials.roofs());
        return new BenchReport(Machine.cpuName(), results, tuning().orElse(null), kernels, headUse, roofs, trials.results(), List.of());
    }

    private static void check(String option, List<Integer> values, int least) {
        values.stream().filter(n -> n < least).findFirst().ifPresent(n -> {
            throw new UsageException(option + " " + n + " is no number of tokens; it must be " + least + " or more");
        });
    }

    private KernelShapes kernelShapes() {
        SynthSpec spec = SynthPreset.byId(shapes).orElseThrow(() -> new UsageException(
                "--shapes is '" + shapes + "'; it must be one of " + SynthPreset.ids())).spec();
        return new KernelShapes(spec.hidden(), spec.ffn(), spec.heads(), spec.kvHeads(), spec.headDim(), spec.vocab());
    }

    private void measure(ModelOptions options, List<BenchTest> tests) {
        try (BitNetModel model = open(options); Session session = model.newSession();
                Progress progress = new Progress(console, "bench")) {
            ModelBench bench = new ModelBench(session, options, Loading.of(model.weightMemory()).text(), Energy.ofSystem(), runs);
            for (int i = 0; i < tests.size(); i++) {
                progress.update(i, tests.size(), tests.get(i).name() + ", " + model.kernels().threads() + " threads");
                results.add(bench.measure(tests.get(i)));
            }
            roofs.add(bench.roof());
            kernels = KernelNames.used(model, options.kvPrecision());
            headUse = headUse.plus(bench.headUse());
        }
    }

    private void measure(KernelBench trials, int threads) {
        List<String> isas = Cpu.isas().stream().filter(Cpu.Isa::supported).map(Cpu.Isa::name)
                .filter(isa -> modelOptions(threads).isa().equals("auto") || modelOptions(threads).isa().equals(isa)).toList();
        try (Progress progress = new Progress(console, "kernels")) {
            for (int i = 0; i < isas.size(); i++) {
                int done = i;
                trials.measure(isas.get(i), threads, kernel -> progress.update(done, isas.size(), kernel + ", " + threads + " threads"));
            }
        }
    }

    // ---- printing ----

    private void print(BenchReport report) {
        if (json || format == Format.JSON) {
            Json.print(console.out(), report);
        } else if (csv || format == Format.CSV) {
            ReportTables.csv(report).forEach(console.out()::println);
        } else {
            table(ReportTables.tests(report));
            table(ReportTables.kernels(report));
            table(ReportTables.comparisons(report));
            table(ReportTables.roofs(report));
            if (report.tests().stream().anyMatch(test -> test.setting().head().equals("two-pass"))) {
                console.out().println("head of generated tokens: " + HeadArgument.text(report.headUse()));
            }
            if (from.isEmpty() && !report.tests().isEmpty()) {
                console.out().println("tuning: " + tuningText());
                console.out().println("kernels: " + String.join(", ", report.kernels().values()));
            }
        }
    }

    private void table(ReportTables.Cells cells) {
        if (!cells.rows().isEmpty()) {
            Table table = new Table(cells.titles().toArray(String[]::new));
            cells.rows().forEach(row -> table.row(row.toArray(String[]::new)));
            table.printMarkdown(console.out());
        }
    }
}
