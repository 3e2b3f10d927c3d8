package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelInfo;
import io.github.bitnet4j.bindings.NativeLibrary;
import io.github.bitnet4j.bindings.NativeLibraryException;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** {@code bitnet doctor}: what this machine offers and what was made of it. */
@Command(name = "doctor", sortOptions = true,
        description = {"Tell what this machine offers.",
                "%nWhich kernels were chosen and why others were not, where the native library is, how fast memory is "
                + "read, and what that means for a model.%n"},
        footer = {"", "Examples:",
                "  bitnet doctor",
                "  bitnet doctor -m bitnet-2b-4t.gguf -t 2 --json"})
final class DoctorCommand extends ModelCommand {
    /** Larger than any cache. */
    private static final long BANDWIDTH_BYTES = 256L << 20;
    private static final int BANDWIDTH_RUNS = 5;

    DoctorCommand(Console console) {
        super(console);
    }

    private record Isa(String name, boolean available, boolean chosen, String reason) {}

    private record Library(String path, List<String> features, List<Isa> isas, Map<String, String> kernels, int threads,
                           double readBandwidth) {}

    private record Estimate(String model, long bytesPerToken, double readBandwidth, double tokensPerSecond, Loading load,
                            Map<String, String> kernels, String head, String kv, String problem) {}

    private record Report(Machine machine, Library library, String libraryProblem, Tuning tuning, Estimate estimate) {}

    @Override
    public Integer call() {
        Machine machine = Machine.here();
        try {
            Path path = NativeLibrary.load().path();
            try (Kernels kernels = new Kernels(modelOptions().threads() > 0 ? modelOptions().threads() : Cpu.physicalCores(),
                    modelOptions().isa())) {
                Library library = new Library(path.toString(), Cpu.features(), isas(kernels), KernelNames.of(kernels),
                        kernels.threads(), bandwidth(kernels));
                report(new Report(machine, library, null, tuning().orElse(null), estimate(library)));
            }
            return OK;
        } catch (NativeLibraryException e) {
            report(new Report(machine, null, Errors.sentence(e), null, null));
            throw e;
        }
    }

    private static List<Isa> isas(Kernels kernels) {
        return Cpu.isas().stream().map(isa -> new Isa(isa.name(), isa.supported(), isa.name().equals(kernels.isa()),
                Stream.of(!isa.built() ? "this build has no kernels for it" : "",
                        isa.missing().isEmpty() ? "" : "this CPU lacks " + String.join(", ", isa.missing()),
                        isa.automatic() ? "" : "checked against a model of its instructions and never run, only by name")
                        .filter(text -> !text.isEmpty()).collect(Collectors.joining("; ")))).toList();
    }

    private static double bandwidth(Kernels kernels) {
        try (Arena arena = Arena.ofShared()) {
            return bandwidth(kernels, arena.allocate(BANDWIDTH_BYTES, 64).fill((byte) 1));
        }
    }

    private static double bandwidth(Kernels kernels, MemorySegment bytes) {
        double best = 0;
        for (int i = 0; i < BANDWIDTH_RUNS; i++) {
            best = Math.max(best, kernels.readBandwidth(bytes));
        }
        return best;
    }

    /** Decoding reads all weights for every token, so memory bandwidth bounds it: that of a copy, if there is one. */
    private Estimate estimate(Library library) {
        try (BitNetModel model = open(modelOptions().withHead(HeadMode.AUTO))) {
            ModelInfo info = model.info();
            Loading load = Loading.of(model.weightMemory());
            double bandwidth = load.copiedBytes() == 0 ? library.readBandwidth()
                    : bandwidth(model.kernels(), model.weightMemory().bytes());
            return new Estimate(info.name(), info.decodeBytes(), bandwidth, bandwidth / info.decodeBytes(), load,
                    KernelNames.used(model, modelOptions().kvPrecision()), lower(model.head()),
                    lower(modelOptions().kvPrecision()), null);
        } catch (UsageException e) {
            return new Estimate(null, 0, 0, 0, null, null, null, null, "no model is named; give one with -m FILE");
        } catch (RuntimeException e) {
            return new Estimate(modelPath().toString(), 0, 0, 0, null, null, null, null, Errors.sentence(e));
        }
    }

    private void report(Report report) {
        if (json) {
            Json.print(console.out(), report);
            return;
        }
        report.machine().print(console.out());
        line("library", report.library() == null ? "not loaded: " + report.libraryProblem() : report.library().path());
        Optional.ofNullable(report.library()).ifPresent(this::print);
        line("tuning", report.library() == null ? "unknown" : tuningText());
        Optional.ofNullable(report.estimate()).ifPresent(this::print);
        console.out().flush();
    }

    private void print(Library library) {
        line("features", String.join(" ", library.features()));
        library.isas().forEach(isa -> line("isa " + isa.name(),
                (isa.chosen() ? "chosen" : isa.available() ? "available" : "not available")
                        + (isa.reason().isEmpty() ? "" : ": " + isa.reason())));
        library.kernels().forEach((operation, name) -> line("kernel", operation + ": " + name));
        line("bandwidth", Units.rate(library.readBandwidth()) + " read by " + library.threads() + " threads");
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private void print(Estimate estimate) {
        line("model", estimate.problem() != null ? estimate.problem() : String.format(Locale.ROOT,
                "%s: a token reads %s, so at most %.1f tokens/s from memory", estimate.model(),
                Units.bytes(estimate.bytesPerToken()), estimate.tokensPerSecond()));
        if (estimate.problem() == null) {
            line("weights", estimate.load().text() + "; read at " + Units.rate(estimate.readBandwidth()));
            line("head, kv", estimate.head() + ", " + estimate.kv());
            line("model's kernels", String.join(" ", estimate.kernels().values()));
        }
    }

    private void line(String name, String value) {
        console.out().printf("%-18s %s%n", name, value);
    }
}
