package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.HeadUse;
import io.github.bitnet4j.api.ModelInfo;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet bench}: llama-bench's tests, beside what the memory of this machine would allow. */
@Command(name = "bench",
        description = {"Measure the speed of a model.",
                "%nThe tests are those of llama-bench: ppN reads a prompt of N tokens, tgN generates N tokens one by "
                + "one, '@ dD' means after D tokens. Beside the tokens a second stand the bytes of weights, keys and "
                + "values that a test must read a second, and their share of the bandwidth at which the same threads "
                + "merely read the same memory.%n"},
        footer = {"", "Lists such as '-t 1,2' are measured one after the other.", "", "Examples:",
                "  bitnet bench -m bitnet-2b-4t.gguf -t 1,2",
                "  bitnet bench -m bitnet-2b-4t.gguf -p 0 -n 64 -d 0,1024,3072 -o csv"})
final class BenchCommand extends ModelCommand {
    private static final int BANDWIDTH_RUNS = 5;
    private static final long SEED = 1;
    private static final int WARM_UP_TOKENS = 16;
    private static final GenerationOptions LIKELIEST =
            GenerationOptions.tokens(1).withSampling(SamplingOptions.GREEDY.withSeed(SEED)).withIgnoreStopIds(true);

    enum Format { MD, JSON, CSV }

    @Option(names = "-p", split = ",", paramLabel = "N", order = 1, description = "Prompt tokens, 0 for none (default: 512).")
    private List<Integer> prompts = List.of(512);

    @Option(names = "-n", split = ",", paramLabel = "N", order = 2, description = "Generated tokens, 0 for none (default: 128).")
    private List<Integer> generations = List.of(128);

    @Option(names = "-d", split = ",", paramLabel = "N", order = 3, description = "Tokens in the context before (default: 0).")
    private List<Integer> depths = List.of(0);

    @Option(names = "-r", paramLabel = "N", order = 4, description = "Runs of each test, after one to warm up (default: 5).")
    private int runs = 5;

    @Option(names = "-o", paramLabel = "FORMAT", order = 5, description = "md, json or csv (default: md).")
    private Format format = Format.MD;

    @Mixin
    private HeadArgument head;

    private final List<BenchRow> rows = new ArrayList<>();
    private Map<String, String> kernels = Map.of();
    private Loading load;
    private final Map<Integer, Double> bandwidths = new TreeMap<>();
    /** Of all generated tokens, warming up included. */
    private HeadUse headUse = new HeadUse(0, 0, 0);

    BenchCommand(Console console) {
        super(console);
    }

    private record Result(List<BenchRow> tests, Map<Integer, Double> readBandwidthByThreads, Map<String, String> kernels,
                          HeadUse headUse, Loading load, Tuning tuning) {}

    @Override
    public Integer call() {
        check("-p", prompts);
        check("-n", generations);
        check("-d", depths);
        if (runs < 1) {
            throw new UsageException("-r " + runs + " measures nothing; it must be 1 or more");
        }
        List<BenchTest> tests = BenchTest.of(prompts, generations, depths);
        if (tests.isEmpty()) {
            throw new UsageException("there is no test; -p or -n must be above 0");
        }
        int positions = ctx(tests.stream().mapToInt(BenchTest::positions).max().getAsInt());
        for (int threads : threadCounts()) {
            measure(modelOptions(threads).withContextLength(positions).withHead(head.mode()), tests);
        }
        report();
        return OK;
    }

    private static void check(String option, List<Integer> values) {
        values.stream().filter(n -> n < 0).findFirst().ifPresent(n -> {
            throw new UsageException(option + " " + n + " is no number of tokens; it must be 0 or more");
        });
    }

    private void measure(ModelOptions options, List<BenchTest> tests) {
        try (BitNetModel model = open(options); Session session = model.newSession();
                Progress progress = new Progress(console, "bench")) {
            double bandwidth = bandwidth(model);
            bandwidths.put(model.kernels().threads(), bandwidth);
            kernels = KernelNames.used(model, options.kvPrecision());
            load = Loading.of(model.weightMemory());
            for (int i = 0; i < tests.size(); i++) {
                progress.update(i, tests.size(), tests.get(i).name() + ", " + model.kernels().threads() + " threads");
                rows.add(measure(session, tests.get(i), options.batchSize(), bandwidth));
            }
        }
    }

    /** The best of several readings of all weights: the first may bring them from the disk. */
    private static double bandwidth(BitNetModel model) {
        double best = 0;
        for (int i = 0; i < BANDWIDTH_RUNS + 1; i++) {
            best = Math.max(best, model.kernels().readBandwidth(model.weightMemory().bytes()));
        }
        return best;
    }

    private BenchRow measure(Session session, BenchTest test, int batch, double bandwidth) {
        BitNetModel model = session.model();
        int[] tokens = tokens(model.tokenizer(), model.info().vocabulary(), test.positions()); // every test begins with these
        int kept = Math.min(session.position(), test.depth());
        session.rewind(kept);
        evaluate(session, Arrays.copyOfRange(tokens, kept, test.depth()));
        int[] measured = Arrays.copyOfRange(tokens, test.depth(), test.positions());
        double[] samples = new double[runs];
        run(session, test, Arrays.copyOf(measured, Math.min(test.prefill() ? batch : WARM_UP_TOKENS, measured.length)));
        for (int i = 0; i < runs; i++) {
            session.rewind(test.depth());
            samples[i] = test.tokens() * 1e9 / run(session, test, measured);
        }
        return row(model, test, samples, batch, bandwidth);
    }

    /** Nanoseconds that the tokens take. */
    private long run(Session session, BenchTest test, int[] tokens) {
        long start = System.nanoTime();
        if (test.prefill()) {
            evaluate(session, tokens);
        } else {
            for (int token : tokens) {
                step(session, token);
            }
        }
        return System.nanoTime() - start;
    }

    /** One token, for its logits or, with a head in two passes, for the likeliest token after it. */
    private void step(Session session, int token) {
        if (session.model().head() == HeadMode.EXACT) {
            evaluate(session, new int[] {token});
            return;
        }
        int position = session.position();
        Generation generation = session.generate(new int[] {token}, LIKELIEST);
        generation.text();
        session.rewind(position + 1);
        HeadUse use = generation.headUse();
        headUse = new HeadUse(headUse.tokens() + use.tokens(), headUse.twoPass() + use.twoPass(), headUse.logits() + use.logits());
    }

    private static void evaluate(Session session, int[] tokens) {
        session.evaluate(tokens, Math.max(0, tokens.length - 1), (index, logits) -> {});
    }

    private static int[] tokens(Tokenizer tokenizer, int vocabulary, int count) {
        int[] tokens = new Random(SEED).ints(count, 0, vocabulary).toArray();
        if (tokenizer.addBos() && tokenizer.bos().isPresent()) {
            tokens[0] = tokenizer.bos().getAsInt();
        }
        return tokens;
    }

    private BenchRow row(BitNetModel model, BenchTest test, double[] samples, int batch, double bandwidth) {
        ModelInfo info = model.info();
        double mean = Arrays.stream(samples).average().getAsDouble();
        double squares = Arrays.stream(samples).map(sample -> (sample - mean) * (sample - mean)).sum();
        double stddev = samples.length < 2 ? 0 : Math.sqrt(squares / (samples.length - 1));
        long whole = model.file().tensor("output.weight").or(() -> model.file().tensor("token_embd.weight"))
                .map(GgufTensor::byteSize).orElse(0L);
        long read = test.prefill() || model.head() == HeadMode.EXACT ? whole
                : info.headBytes() + (long) (headUse.logitsPerToken() * whole / info.vocabulary());
        long weights = info.decodeBytes() - info.headBytes() + read;
        double bytesPerSecond = test.bytesRead(weights, read, info.kvBytes(), batch) * mean / test.tokens();
        return new BenchRow(info.name(), info.fileBytes(), info.parameters(), model.kernels().isa(),
                model.kernels().threads(), test.name(), mean, stddev, samples, bytesPerSecond, bandwidth,
                bytesPerSecond / bandwidth);
    }

    private void report() {
        if (json || format == Format.JSON) {
            Json.print(console.out(), new Result(rows, bandwidths, kernels, headUse, load, tuning().orElse(null)));
        } else if (format == Format.CSV) {
            console.out().println(BenchRow.CSV_TITLES);
            rows.forEach(row -> console.out().println(row.csv()));
        } else {
            Table table = new Table(BenchRow.TITLES);
            rows.forEach(row -> table.row(row.cells()));
            table.printMarkdown(console.out());
            console.out().println("read bandwidth: " + bandwidths.entrySet().stream()
                    .map(entry -> Units.rate(entry.getValue()) + " with " + entry.getKey() + " threads")
                    .collect(Collectors.joining(", ")));
            if (headUse.tokens() > 0) {
                console.out().println("head of generated tokens: " + HeadArgument.text(headUse));
            }
            console.out().println("weights: " + load.text());
            console.out().println("tuning: " + tuningText());
            console.out().println("kernels: " + String.join(", ", kernels.values()));
        }
    }
}
