package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Cpu;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What all commands have in common. A command returns its exit status. */
abstract class BitNetCommand implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;
    /** What a shell reports for a program that Ctrl-C ended. */
    static final int INTERRUPTED = 130;

    final Console console;

    @Option(names = "--json", description = "Print one JSON document on standard output.", order = 90)
    boolean json;

    @Option(names = "--verbose", description = "Log what happens; show where an error comes from.", order = 91)
    boolean verbose;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.", order = 92)
    boolean help;

    BitNetCommand(Console console) {
        this.console = console;
    }

    @Override
    public abstract Integer call() throws Exception;

    /** Checks that a CPU target exists; whether this machine is one is another question. */
    static void requireIsa(String option, String name) {
        if (!name.equals("auto") && !Cpu.isaNames().contains(name)) {
            throw new UsageException(option + " is '" + name + "'; it must be auto, " + String.join(", ", Cpu.isaNames()));
        }
    }

    /** Checks, before long work, that the folder of a file to be written exists. */
    static void requireFolder(Path output) {
        Path folder = output.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new BitNetException("cannot write " + output + ": there is no folder " + folder);
        }
    }

    /** Likewise, that the file does not exist, or may be replaced. */
    static void requireNew(Path output, boolean force) {
        requireFolder(output);
        if (Files.exists(output) && !force) {
            throw new BitNetException(output + " exists; replace it with --force or choose another name");
        }
    }
}
