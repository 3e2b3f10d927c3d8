package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Crossovers;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bitnet tune}: finds the fastest settings of this machine and remembers them. */
@Command(name = "tune",
        description = {"Measure what is fastest on this machine, and remember it.",
                "%nThreads, kernels, the place of the weights, and from how many tokens on they are unpacked or packed are tried "
                + "with a model, one after the other, for about a minute at most. What wins becomes the default of later runs on this processor; options of the command line, and "
                + "BITNET_ISA, override it. Results of a model are the same with all of them.%n"},
        footer = {"", "Examples:",
                "  bitnet tune -m bitnet-2b-4t.gguf",
                "  bitnet tune -m bitnet-2b-4t.gguf --forget"})
final class TuneCommand extends ModelCommand {
    private static final int PROMPT = 128;
    private static final int GENERATED = 64;
    /** So many are generated at a time; the best of the rounds counts. */
    private static final int STEPS = 8;
    private static final int ROUNDS = 3;
    private static final GenerationOptions GREEDY = GenerationOptions.tokens(STEPS).withSampling(SamplingOptions.GREEDY.withSeed(1))
            .withIgnoreStopIds(true);
    /** After which no trial begins. */
    private static final long LIMIT_NANOS = 50_000_000_000L;
    /** What a setting must save to be preferred to a plainer one; huge pages cost memory and time to open. */
    private static final double WORTH_WHILE = 0.03;
    private static final double WORTH_MEMORY = 0.1;

    @Option(names = "--forget", order = 1, description = "Delete what was remembered, and measure nothing.")
    private boolean forget;

    private final List<Trial> trials = new ArrayList<>();
    private final long start = System.nanoTime();

    TuneCommand(Console console) {
        super(console);
    }

    /**
     * Settings, as the command line has them, and how fast they were.
     *
     * @param problem why they could not be measured; null if they were
     */
    private record Trial(int threads, String isa, String load, double promptTokensPerSecond, double generatedTokensPerSecond,
                         String problem) {
        Trial withThreads(int other) {
            return new Trial(other, isa, load, 0, 0, null);
        }

        Trial withIsa(String other) {
            return new Trial(threads, other, load, 0, 0, null);
        }

        Trial withLoad(String other) {
            return new Trial(threads, isa, other, 0, 0, null);
        }

        /** What a prompt and an answer take. */
        double seconds() {
            return problem != null ? Double.POSITIVE_INFINITY
                    : PROMPT / promptTokensPerSecond + GENERATED / generatedTokensPerSecond;
        }

        String text() {
            return String.format(Locale.ROOT, "-t %d --isa %s --load %s: %s", threads, isa, load, problem != null ? problem
                    : String.format(Locale.ROOT, "%.1f prompt and %.1f generated tokens/s", promptTokensPerSecond,
                            generatedTokensPerSecond));
        }
    }

    private record Result(String file, List<Trial> trials, Tuning tuning) {}

    @Override
    public Integer call() throws IOException {
        if (settingsGiven()) {
            throw new UsageException("tune chooses -t, -c, --isa and --load itself");
        }
        Path file = console.tuning().get().orElseThrow(() -> new BitNetException("there is no file to remember settings in"));
        if (forget) {
            Files.deleteIfExists(file);
            return OK;
        }
        Trial best;
        Crossovers crossovers;
        try (Progress progress = new Progress(console, "tune")) {
            best = search(progress);
            crossovers = crossovers(best, progress);
        }
        Tuning tuning = new Tuning(Machine.cpuName(), Kernels.version(), best.threads(), best.isa(), best.load(), crossovers,
                modelPath().getFileName() + ", " + best.text().replaceFirst(".*: ", ""));
        tuning.write(file);
        report(new Result(file.toString(), trials, tuning));
        return OK;
    }

    /** One setting after the other, each with the best of those before it; the plainest comes first and wins ties. */
    private Trial search(Progress progress) {
        Trial best = measure(new Trial(Cpu.physicalCores(), "auto", "mmap", 0, 0, null), progress);
        if (best.problem() != null) {
            throw new BitNetException(best.problem());
        }
        for (int threads : threadCandidates()) {
            best = better(best, best.withThreads(threads), WORTH_WHILE, progress);
        }
        best = better(best, best.withLoad("hugepages"), WORTH_MEMORY, progress);
        for (String isa : lesserIsas()) {
            best = better(best, best.withIsa(isa), WORTH_WHILE, progress);
        }
        return best;
    }

    private Crossovers crossovers(Trial best, Progress progress) {
        try (BitNetModel model = BitNetModel.open(modelPath(), options(best)); Session session = model.newSession()) {
            int[] tokens = tokens(model);
            return new CrossoverSearch(model, session, tokens, rows -> report(progress, rows + " tokens at a time")).search();
        }
    }

    private Trial better(Trial best, Trial other, double gain, Progress progress) {
        Trial measured = measure(other, progress);
        return measured.seconds() < (1 - gain) * best.seconds() ? measured : best;
    }

    /** Powers of two below the number of cores, and all logical processors where there are more of those. */
    private static List<Integer> threadCandidates() {
        List<Integer> candidates = new ArrayList<>();
        if (Runtime.getRuntime().availableProcessors() > Cpu.physicalCores()) {
            candidates.add(Runtime.getRuntime().availableProcessors());
        }
        for (int threads = Integer.highestOneBit(Math.max(1, Cpu.physicalCores() - 1)); threads >= 1; threads /= 2) {
            if (threads < Cpu.physicalCores()) {
                candidates.add(threads);
            }
        }
        return candidates;
    }

    /** Below the best of this CPU, which is what auto means; not scalar, which never wins. */
    private static List<String> lesserIsas() {
        List<String> supported = Cpu.isas().stream().filter(isa -> isa.supported() && isa.automatic()).map(Cpu.Isa::name)
                .filter(name -> !name.equals("scalar")).toList();
        return supported.isEmpty() ? List.of() : supported.subList(0, supported.size() - 1).reversed();
    }

    private Trial measure(Trial trial, Progress progress) {
        if (System.nanoTime() - start > LIMIT_NANOS) {
            return keep(trial, 0, 0, "not tried, as the time was over");
        }
        report(progress, "-t " + trial.threads() + " --isa " + trial.isa() + " --load " + trial.load());
        try (BitNetModel model = BitNetModel.open(modelPath(), options(trial)); Session session = model.newSession()) {
            int[] tokens = tokens(model);
            return keep(trial, promptSpeed(session, tokens), generationSpeed(session, tokens), null);
        } catch (BitNetException e) {
            return keep(trial, 0, 0, e.getMessage());
        }
    }

    private void report(Progress progress, String what) {
        progress.update(Math.min(System.nanoTime() - start, LIMIT_NANOS) / 1_000_000, LIMIT_NANOS / 1_000_000, what);
    }

    private ModelOptions options(Trial trial) {
        return untunedOptions().withThreads(trial.threads()).withIsa(trial.isa()).withLoad(loadMode(trial.load()))
                .withContextLength(PROMPT + STEPS);
    }

    private static int[] tokens(BitNetModel model) {
        return new Random(1).ints(PROMPT + STEPS, 0, model.info().vocabulary()).toArray();
    }

    private Trial keep(Trial trial, double promptSpeed, double generationSpeed, String problem) {
        Trial measured = new Trial(trial.threads(), trial.isa(), trial.load(), promptSpeed, generationSpeed, problem);
        trials.add(measured);
        return measured;
    }

    private static double promptSpeed(Session session, int[] tokens) {
        int[] prompt = Arrays.copyOf(tokens, PROMPT);
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            session.rewind(0);
            long before = System.nanoTime();
            session.evaluate(prompt, PROMPT - 1, (index, logits) -> {});
            best = Math.max(best, PROMPT * 1e9 / (System.nanoTime() - before));
        }
        return best;
    }

    private static double generationSpeed(Session session, int[] tokens) {
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            session.rewind(PROMPT);
            long before = System.nanoTime();
            session.generate(new int[] {tokens[PROMPT]}, GREEDY).text();
            best = Math.max(best, STEPS * 1e9 / (System.nanoTime() - before));
        }
        return best;
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
            return;
        }
        result.trials().forEach(trial -> console.out().println(trial.text()));
        console.out().println("from now on: " + result.tuning().text() + ", kept in " + result.file());
        console.out().flush();
    }
}
