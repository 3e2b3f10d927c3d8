package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.gguf.GgufException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.TernaryLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Option;

/** A command that works with a model. */
abstract class ModelCommand extends BitNetCommand {
    private static final Path BUNDLED = Path.of("models", "shakespeare.gguf");

    @Option(names = {"-m", "--model"}, paramLabel = "MODEL", order = 80,
            description = "The model: a GGUF file, or a folder as published on Hugging Face, which is converted once into "
                    + "the cache, or the name of a model that was pulled (default: the bundled model).")
    private String model;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", split = ",", order = 81,
            description = "Threads that compute (default: those of 'bitnet tune', or physical cores).")
    private List<Integer> threads = List.of(0);

    @Option(names = {"-c", "--ctx"}, paramLabel = "N", order = 82,
            description = "Positions of the context (default: the model's own limit).")
    private int ctx;

    @Option(names = "--isa", paramLabel = "NAME", order = 83,
            description = "Kernels to use, such as avx2, or auto (default: those of 'bitnet tune', or auto; 'bitnet doctor' "
                    + "lists them).")
    private String isa;

    @Option(names = "--kv", paramLabel = "TYPE", order = 84,
            description = "Keys and values: f16; int8, half of that and faster over long texts; or f32 with attention in "
                    + "double precision, slower over long texts and exact (default: f32 for logits and perplexity, f16 "
                    + "elsewhere).")
    private String kv;

    @Option(names = "--load", paramLabel = "MODE", order = 86,
            description = "Weights: mmap reads them where they lie in the file; hugepages copies those of every token to pages "
                    + "of 2 MB, which are read faster, but takes memory of their own and time to open (default: that of "
                    + "'bitnet tune', or mmap).")
    private String load;

    @Option(names = "--tl-tiles", paramLabel = "TILES", order = 87, description = TlTilesArgument.OF_A_MODEL)
    private String tlTiles;

    @Option(names = "--i2s-order", paramLabel = "ORDER", order = 88, description = I2sOrderArgument.DESCRIPTION)
    private String i2sOrder = "128";

    private Optional<Tuning> tuning;

    ModelCommand(Console console) {
        super(console);
    }

    /** The file of {@code -m}, converted if it is a folder, or the bundled model. */
    final Path modelPath() {
        if (model != null) {
            return ModelArgument.gguf(model, "-m", console);
        }
        return console.home().map(home -> home.resolve(BUNDLED)).orElseThrow(() -> new UsageException(
                "no model is named; give one with -m FILE (the launcher 'bitnet' knows where the bundled one is)"));
    }

    /** Positions asked for with {@code -c}, or {@code otherwise}. */
    final int ctx(int otherwise) {
        return ctx == 0 ? otherwise : ctx;
    }

    /** All thread counts asked for; 0 means physical cores. */
    final List<Integer> threadCounts() {
        return threads;
    }

    /** How to open the model, as asked for, to compute all logits; commands that generate choose another head. */
    final ModelOptions modelOptions() {
        if (threads.size() != 1) {
            throw new UsageException("-t takes one number of threads here; 'bitnet bench' takes several");
        }
        return modelOptions(threads.getFirst());
    }

    final ModelOptions modelOptions(int threads) {
        if (isa != null) {
            requireIsa("--isa", isa);
        }
        Optional<Tuning> tuned = tuning();
        int chosenThreads = threads != 0 ? threads : tuned.map(Tuning::threads).orElse(0);
        String chosenIsa = isa != null ? isa
                : System.getenv("BITNET_ISA") != null ? "auto" : tuned.map(Tuning::isa).orElse("auto");
        LoadMode chosenLoad = loadMode(load != null ? load : tuned.map(Tuning::load).orElse("mmap"));
        ModelOptions untuned = untunedOptions();
        ModelOptions base = isa != null || System.getenv("BITNET_ISA") != null ? untuned
                : tuned.map(Tuning::crossovers).map(untuned::withCrossovers).orElse(untuned);
        return checked(() -> base.withThreads(chosenThreads).withContextLength(ctx).withIsa(chosenIsa).withLoad(chosenLoad)
                .withHead(HeadMode.EXACT));
    }

    /** What the command line says of the file and of the cache, and nothing that {@code tune} chooses. */
    final ModelOptions untunedOptions() {
        return ModelOptions.DEFAULT.withKvPrecision(kvPrecision()).withLayout(
                new TernaryLayout(TlTilesArgument.parse(tlTiles), I2sOrderArgument.parse(i2sOrder)));
    }

    /** What {@code bitnet tune} remembered; a file that cannot be used is named in one line on standard error. */
    final Optional<Tuning> tuning() {
        if (tuning == null) {
            tuning = console.tuning().get().filter(Files::exists).flatMap(this::read);
        }
        return tuning;
    }

    private Optional<Tuning> read(Path file) {
        try {
            Tuning found = Tuning.read(file, Kernels.version());
            if (verbose) {
                console.err().println("bitnet: settings of " + file + ": " + found.text());
            }
            return Optional.of(found);
        } catch (Tuning.Unusable e) {
            console.err().println("bitnet: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** For a report: the settings that were used where the command line says nothing. */
    final String tuningText() {
        return tuning().map(Tuning::text).orElse("none; 'bitnet tune' measures what is fastest here");
    }

    /** Whether the command line names what {@code tune} chooses. */
    final boolean settingsGiven() {
        return isa != null || load != null || ctx != 0 || !threads.equals(List.of(0));
    }

    static LoadMode loadMode(String load) {
        return switch (load) {
            case "mmap" -> LoadMode.MMAP;
            case "hugepages" -> LoadMode.HUGEPAGES;
            default -> throw new UsageException("--load is '" + load + "'; it must be mmap or hugepages");
        };
    }

    private KvPrecision kvPrecision() {
        return switch (kv) {
            case null -> defaultKvPrecision();
            case "f16" -> KvPrecision.F16;
            case "f32" -> KvPrecision.F32;
            case "int8" -> KvPrecision.INT8;
            default -> throw new UsageException("--kv is '" + kv + "'; it must be f16, int8 or f32");
        };
    }

    /** Of keys and values where {@code --kv} is not given: fast, unless the command's purpose is to compare numbers. */
    KvPrecision defaultKvPrecision() {
        return KvPrecision.F16;
    }

    /** Checks a value; one that is refused is a mistake on the command line. */
    static void checked(Runnable check) {
        checked(() -> {
            check.run();
            return Optional.empty();
        });
    }

    /** Builds options; a value that they refuse is a mistake on the command line. */
    static <T> T checked(Supplier<T> options) {
        try {
            return options.get();
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage());
        }
    }

    final BitNetModel open() {
        return open(modelOptions());
    }

    final BitNetModel open(ModelOptions options) {
        try (Progress progress = new Progress(console, "copying weights")) {
            return open(modelPath(), options.withLoadListener((done, total) ->
                    progress.update(done, total, Units.bytes(done) + " of " + Units.bytes(total))));
        }
    }

    static BitNetModel open(Path path, ModelOptions options) {
        try {
            return BitNetModel.open(path, options);
        } catch (GgufException e) {
            throw new BitNetException(path + ": " + e.getMessage(), e);
        }
    }

    /** Opens any GGUF file, also one that cannot run. */
    static GgufFile openFile(Path path) throws IOException {
        try {
            return GgufFile.open(path);
        } catch (GgufException e) {
            throw new BitNetException(path + ": " + e.getMessage(), e);
        }
    }
}
