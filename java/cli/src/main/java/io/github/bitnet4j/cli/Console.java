package io.github.bitnet4j.cli;

import io.github.bitnet4j.hub.HubSettings;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/**
 * What a command reads from and writes to, so that tests can stand in for the process.
 *
 * @param in        standard input
 * @param out       standard output: results, nothing else
 * @param err       standard error: errors, progress, summaries
 * @param terminals which of the three file descriptors is a terminal; asked only when it matters
 * @param isOnePlace whether the latter two lead to the same place, as after {@code 2>&1}; asked only when it matters
 * @param home      the folder of the installation, which holds {@code models/}
 * @param tuning    where {@link Tuning} is kept, whether the file exists or not; asked only when it matters
 * @param hub       where models come from and where they are kept; asked only when it matters
 */
record Console(InputStream in, Output out, PrintStream err, IntPredicate terminals, BooleanSupplier isOnePlace, Optional<Path> home,
               Supplier<Optional<Path>> tuning, Supplier<HubSettings> hub) {
    /** System property that the launcher sets to {@link #home}. */
    private static final String HOME_PROPERTY = "bitnet.home";

    static Console ofProcess() {
        return new Console(new FileInputStream(FileDescriptor.in), new Output(new FileOutputStream(FileDescriptor.out)),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                Terminals::isTerminal, () -> Terminals.isSamePlace(1, 2),
                Optional.ofNullable(System.getProperty(HOME_PROPERTY)).map(Path::of),
                () -> Optional.of(Tuning.fileOfUser()), HubSettings::ofProcess);
    }

    boolean inIsTerminal() {
        return terminals.test(0);
    }

    boolean outIsTerminal() {
        return terminals.test(1);
    }

    boolean errIsTerminal() {
        return terminals.test(2);
    }
}
