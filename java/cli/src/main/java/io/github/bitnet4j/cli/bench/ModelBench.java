package io.github.bitnet4j.cli.bench;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.HeadUse;
import io.github.bitnet4j.api.ModelInfo;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Work;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.lang.foreign.MemorySegment;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Runs tests on an open model. A run of one prompt is one part, a run of generated tokens has a part for every few of them:
 *
 *     readings | part | readings | part | ... | part | readings
 *
 * Before, between and after the parts the threads merely read the memory of the weights: once all of it for a prompt and, as often
 * as a part has tokens, as much of it as a token reads. So each part is compared with what memory gave at that time, which changes
 * from one second to the next where others use it too, and the slowest tokens with the slowest readings.
 */
public final class ModelBench {
    private static final long SEED = 1;
    /**
     * Before the runs that count there are others, for so long at least and as long as compiling what Java has to do for each token
     * takes more than this share of one: it would take the cores from the kernels. But not for ever.
     */
    private static final double WARM_UP_SECONDS = 1;
    private static final double COMPILING = 0.005;
    private static final double WARM_UP_SECONDS_AT_MOST = 15;
    /** Generated tokens between readings: so many take a tenth of a second or two, and only the first of them comes after a reading. */
    private static final int PART_TOKENS = 8;
    /** Readings of which the best is the machine's bandwidth; the first brings the weights from the disk. */
    private static final int BANDWIDTH_RUNS = 6;
    private static final List<String> PREFILL = List.of("gemm", "gemm_packed");
    private static final List<String> DECODE = List.of("gemv", "gemv_rows", "gemv_tables");

    private final BitNetModel model;
    private final Session session;
    private final ModelOptions options;
    private final Optional<Energy> energy;
    private final int runs;
    private final Roof roof;
    private HeadUse headUse = new HeadUse(0, 0, 0);

    /**
     * @param session of the model, with room for every test
     * @param options that the model was opened with
     * @param loading where its weights lie, in words
     * @param energy  of the processor, where the system tells
     * @param runs    of each test
     */
    public ModelBench(Session session, ModelOptions options, String loading, Optional<Energy> energy, int runs) {
        this.session = session;
        this.options = options;
        this.energy = energy;
        this.runs = runs;
        model = session.model();
        double best = 0;
        for (int i = 0; i < BANDWIDTH_RUNS; i++) {
            best = Math.max(best, bandwidth());
        }
        roof = new Roof(model.kernels().isa(), model.kernels().threads(), "weights: " + loading, best, Roof.peakOf(model.kernels()));
    }

    private TestResult.Setting setting(BenchTest test) {
        return new TestResult.Setting(roof.isa(), roof.threads(), options.batchSize(),
                model.head().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                options.kvPrecision().name().toLowerCase(Locale.ROOT),
                model.weightMemory().mode().name().toLowerCase(Locale.ROOT), kernels(test));
    }

    /** The kernels that a test has for the formats of the file's weights; by many rows all go through I2_S. */
    private List<String> kernels(BenchTest test) {
        List<String> formats = test.prefill() ? List.of("i2_s") : model.file().tensors().stream()
                .map(tensor -> tensor.type().name().toLowerCase(Locale.ROOT)).distinct().toList();
        List<String> names = new ArrayList<>();
        for (String operation : test.prefill() ? PREFILL : DECODE) {
            formats.forEach(format -> names.add(model.kernels().kernel(operation, format)));
        }
        if (!test.prefill() && model.head() == HeadMode.TWO_PASS) {
            names.add(model.kernels().kernel("coarse", "d31_r16"));
            names.add(model.kernels().kernel("bit_sum", "d31_r16"));
        }
        return names.stream().filter(name -> !name.equals("none")).toList();
    }

    /** What bounds the model's tests. */
    public Roof roof() {
        return roof;
    }

    /** What the head did for all generated tokens that were measured so far. */
    public HeadUse headUse() {
        return headUse;
    }

    private double bandwidth() {
        return model.kernels().readBandwidth(model.weightMemory().bytes());
    }

    /** Bytes a second of one reading of all weights or, for tokens, of as many readings of as much as a token reads. */
    private double[] readings(BenchTest test, int count, long tokenBytes) {
        MemorySegment all = model.weightMemory().bytes();
        MemorySegment read = test.prefill() ? all : all.asSlice(Math.max(0, all.byteSize() - tokenBytes));
        return DoubleStream.generate(() -> model.kernels().readBandwidth(read)).limit(test.prefill() ? 1 : count).toArray();
    }

    /** What was seen of one part of a run. */
    private record Part(int run, double seconds, Work work, double share, double joules) {}

    public TestResult measure(BenchTest test) {
        int[] tokens = tokens(model.tokenizer(), model.info().vocabulary(), test.positions());
        int kept = Math.min(session.position(), test.depth()); // every test begins with the same tokens
        session.rewind(kept);
        evaluate(Arrays.copyOfRange(tokens, kept, test.depth()));
        int[] measured = Arrays.copyOfRange(tokens, test.depth(), test.positions());
        long[] nanos = new long[test.prefill() ? 0 : runs * measured.length];
        long tokenBytes = warmUp(test, measured);
        HeadUse warm = session.headUse();
        List<Part> parts = new ArrayList<>();
        List<double[]> readings = new ArrayList<>();
        readings.add(readings(test, PART_TOKENS, tokenBytes));
        int length = test.prefill() ? measured.length : PART_TOKENS;
        for (int run = 0; run < runs; run++) {
            session.rewind(test.depth());
            for (int from = 0; from < measured.length; from += length) {
                int[] part = Arrays.copyOfRange(measured, from, Math.min(from + length, measured.length));
                Work before = model.kernels().work();
                long[] joules = energy.map(Energy::now).orElse(new long[0]);
                long start = System.nanoTime();
                pass(test, part, nanos, run * measured.length + from);
                double seconds = (System.nanoTime() - start) / 1e9;
                double used = energy.isPresent() ? energy.get().joulesSince(joules) : 0;
                Work work = model.kernels().work().minus(before);
                readings.add(readings(test, part.length, tokenBytes));
                double bandwidth = (Sampled.median(readings.get(parts.size())) + Sampled.median(readings.getLast())) / 2;
                parts.add(new Part(run, seconds, work, work.bytes() / seconds / bandwidth, used));
            }
        }
        headUse = headUse.plus(session.headUse().minus(warm));
        return result(test, parts, readings, nanos);
    }

    /** Runs what is measured next, and tells how many bytes a token reads. */
    private long warmUp(BenchTest test, int[] tokens) {
        Work cold = model.kernels().work();
        int[] some = test.prefill() ? Arrays.copyOf(tokens, Math.min(options.batchSize(), tokens.length)) : tokens;
        long[] nanos = new long[some.length];
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        double all = 0;
        double compiling;
        int done = 0;
        do {
            session.rewind(test.depth());
            long compiled = compiler.getTotalCompilationTime();
            long start = System.nanoTime();
            pass(test, some, nanos, 0);
            double seconds = (System.nanoTime() - start) / 1e9;
            compiling = (compiler.getTotalCompilationTime() - compiled) / 1e3 / seconds;
            all += seconds;
            done += some.length;
        } while (!test.prefill() && (all < WARM_UP_SECONDS || compiling > COMPILING && all < WARM_UP_SECONDS_AT_MOST));
        return model.kernels().work().minus(cold).bytes() / done;
    }

    /** The tokens as one prompt, or one by one, the nanoseconds of each from {@code nanos[first]} on. */
    private void pass(BenchTest test, int[] tokens, long[] nanos, int first) {
        if (test.prefill()) {
            step(tokens);
            return;
        }
        long start = System.nanoTime();
        for (int i = 0; i < tokens.length; i++) {
            step(new int[] {tokens[i]});
            long end = System.nanoTime();
            nanos[first + i] = end - start;
            start = end;
        }
    }

    /** Tokens, for the logits after them or, with a head in two passes, for the likeliest token after them. */
    private void step(int[] tokens) {
        if (model.head() == HeadMode.EXACT) {
            evaluate(tokens);
        } else {
            session.likeliest(tokens);
        }
    }

    private void evaluate(int[] tokens) {
        session.evaluate(tokens, Math.max(0, tokens.length - 1), (index, logits) -> {});
    }

    private static int[] tokens(Tokenizer tokenizer, int vocabulary, int count) {
        int[] tokens = new Random(SEED).ints(count, 0, vocabulary).toArray();
        if (tokenizer.addBos() && tokenizer.bos().isPresent()) {
            tokens[0] = tokenizer.bos().getAsInt();
        }
        return tokens;
    }

    private TestResult result(BenchTest test, List<Part> parts, List<double[]> readings, long[] nanos) {
        ModelInfo info = model.info();
        double[] allReadings = readings.stream().flatMapToDouble(Arrays::stream).toArray();
        double[] samples = IntStream.range(0, runs).mapToDouble(run -> test.tokens() / seconds(parts, run)).toArray();
        double mean = Arrays.stream(samples).average().getAsDouble();
        double squares = Arrays.stream(samples).map(sample -> (sample - mean) * (sample - mean)).sum();
        double all = (double) runs * test.tokens();
        double bytes = parts.stream().mapToDouble(part -> part.work().bytes()).sum() / all;
        double multiplyAdds = parts.stream().mapToDouble(part -> part.work().multiplyAdds()).sum() / all;
        return new TestResult(info.name(), model.file().path().getFileName().toString(), info.fileBytes(), info.parameters(),
                setting(test), test.name(), test.prefill(), test.tokens(), test.depth(), mean, runs < 2 ? 0 : Math.sqrt(squares / (runs - 1)), samples, bytes,
                bytes * mean, Sampled.median(allReadings), Sampled.median(parts.stream().mapToDouble(Part::share).toArray()),
                multiplyAdds * mean, multiplyAdds * mean / roof.peak(), test.prefill() ? null : Latency.of(nanos),
                test.prefill() ? null : Latency.tail(Arrays.stream(allReadings).map(reading -> 1 / reading).toArray()),
                energy.isEmpty() ? null : parts.stream().mapToDouble(Part::joules).sum() / all);
    }

    private static double seconds(List<Part> parts, int run) {
        return parts.stream().filter(part -> part.run() == run).mapToDouble(Part::seconds).sum();
    }
}
