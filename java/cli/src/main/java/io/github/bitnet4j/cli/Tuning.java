package io.github.bitnet4j.cli;

import io.github.bitnet4j.WholeFile;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Crossovers;
import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;

/**
 * What {@code bitnet tune} found to be fastest on this machine, in a file of properties; later runs take it where the command
 * line says nothing.
 *
 * @param cpu        the processor that was measured
 * @param library    version of the native library
 * @param threads    threads that compute
 * @param isa        kernels
 * @param load       where weights lie
 * @param crossovers from how many rows on which way of multiplying is taken
 * @param measured   with which model, and what came of it
 */
record Tuning(String cpu, String library, int threads, String isa, String load, Crossovers crossovers, String measured) {

    /** A file that cannot be used; the message says why and what to do. */
    static final class Unusable extends Exception {
        Unusable(Path file, String why) {
            super(file + " is ignored: " + why + "; run 'bitnet tune' again or delete it");
        }
    }

    /** {@code $XDG_CONFIG_HOME/bitnet4j}, usually {@code ~/.config/bitnet4j}. */
    private static Path folderOfUser() {
        String config = System.getenv("XDG_CONFIG_HOME");
        Path base = config == null || config.isBlank() ? Path.of(System.getProperty("user.home"), ".config") : Path.of(config);
        return base.resolve("bitnet4j");
    }

    /** The file of this processor and as many cores: a home may be shared by several machines. */
    static Path fileOfUser() {
        String name = Machine.cpuName().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return folderOfUser().resolve("tuning-" + name + "-" + Runtime.getRuntime().availableProcessors() + ".properties");
    }

    /** Reads a file that exists. */
    static Tuning read(Path file, String library) throws Unusable {
        Properties values = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            values.load(in);
        } catch (IOException | IllegalArgumentException e) {
            throw new Unusable(file, "it cannot be read (" + Errors.sentence(e) + ")");
        }
        try {
            Tuning tuning = new Tuning(required(values, "cpu"), required(values, "library"),
                    Integer.parseInt(required(values, "threads")), required(values, "isa"), required(values, "load"),
                    new Crossovers(number(values, "unpack"), number(values, "unpackTables"), number(values, "pack")),
                    required(values, "measured"));
            if (!tuning.library.equals(library)) {
                throw new Unusable(file, "it was measured with version " + tuning.library + " and this is " + library);
            }
            ModelOptions.DEFAULT.withThreads(tuning.threads);
            ModelCommand.loadMode(tuning.load);
            if (!tuning.isa.equals("auto") && Cpu.isas().stream().filter(Cpu.Isa::supported)
                    .noneMatch(isa -> isa.name().equals(tuning.isa))) {
                throw new IllegalArgumentException("isa is " + tuning.isa + ", which this CPU does not run");
            }
            return tuning;
        } catch (IllegalArgumentException | UsageException e) {
            throw new Unusable(file, "it is damaged (" + e.getMessage() + ")");
        }
    }

    private static long number(Properties values, String name) {
        return Long.parseLong(required(values, name));
    }

    private static String required(Properties values, String name) {
        String value = values.getProperty(name);
        if (value == null) {
            throw new IllegalArgumentException("it has no " + name);
        }
        return value;
    }

    /** The file appears when it is complete. */
    void write(Path file) throws IOException {
        Properties values = new Properties();
        values.setProperty("cpu", cpu);
        values.setProperty("library", library);
        values.setProperty("threads", Integer.toString(threads));
        values.setProperty("isa", isa);
        values.setProperty("load", load);
        values.setProperty("unpack", Long.toString(crossovers.unpack()));
        values.setProperty("unpackTables", Long.toString(crossovers.unpackTables()));
        values.setProperty("pack", Long.toString(crossovers.pack()));
        values.setProperty("measured", measured);
        Files.createDirectories(file.toAbsolutePath().getParent());
        StringWriter text = new StringWriter();
        values.store(text, "Written by 'bitnet tune'; options of the command line override it.");
        WholeFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** For reports. */
    String text() {
        return "-t " + threads + " --isa " + isa + " --load " + load + ", unpacking from " + rows(crossovers.unpack())
                + " tokens, TL1 and TL2 from " + rows(crossovers.unpackTables()) + ", packing from " + rows(crossovers.pack())
                + " (" + measured + ")";
    }

    private static String rows(long crossover) {
        return crossover == Crossovers.NEVER ? "no number of" : Long.toString(crossover);
    }
}
