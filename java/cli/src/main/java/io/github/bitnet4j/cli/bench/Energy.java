package io.github.bitnet4j.cli.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The energy that the processor has used, from counters in microjoules: RAPL's packages
 * ({@code /sys/class/powercap/intel-rapl:N/energy_uj}, which wrap around) or the sockets of hwmon
 * ({@code /sys/class/hwmon/hwmonN/energyN_input}). Systems often let only root read them.
 */
public final class Energy {
    /** A counter that starts again after {@code range}; 0 for one that does not. */
    private record Counter(Path file, long range) {
        long read() throws IOException {
            return Long.parseLong(Files.readString(file).strip());
        }
    }

    private final List<Counter> counters;

    private Energy(List<Counter> counters) {
        this.counters = counters;
    }

    /** The counters of this system, if it has any that can be read. */
    public static Optional<Energy> ofSystem() {
        return under(Path.of("/sys/class"));
    }

    static Optional<Energy> under(Path root) {
        List<Counter> counters = new ArrayList<>();
        for (Path zone : list(root.resolve("powercap"), "intel-rapl:*")) {
            boolean whole = !zone.getFileName().toString().substring("intel-rapl:".length()).contains(":");
            if (whole && text(zone.resolve("name")).startsWith("package")) {
                add(counters, zone.resolve("energy_uj"), zone.resolve("max_energy_range_uj"));
            }
        }
        if (counters.isEmpty()) {
            for (Path monitor : list(root.resolve("hwmon"), "hwmon*")) {
                for (Path input : list(monitor, "energy*_input")) {
                    Path label = monitor.resolve(input.getFileName().toString().replace("_input", "_label"));
                    if (text(label).toLowerCase(java.util.Locale.ROOT).contains("socket")) {
                        add(counters, input, monitor.resolve("none"));
                    }
                }
            }
        }
        return counters.isEmpty() ? Optional.empty() : Optional.of(new Energy(counters));
    }

    private static void add(List<Counter> counters, Path file, Path range) {
        if (text(file).matches("\\d+")) {
            counters.add(new Counter(file, text(range).matches("\\d+") ? Long.parseLong(text(range)) : 0));
        }
    }

    private static List<Path> list(Path folder, String pattern) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
            entries.forEach(found::add);
        } catch (IOException e) {
            return List.of();
        }
        return found;
    }

    /** What a small file says; nothing when it cannot be read. */
    private static String text(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** A state of all counters, for {@link #joulesSince}. */
    long[] now() {
        try {
            long[] values = new long[counters.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = counters.get(i).read();
            }
            return values;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    double joulesSince(long[] before) {
        long[] after = now();
        double micros = 0;
        for (int i = 0; i < after.length; i++) {
            long used = after[i] - before[i];
            micros += used < 0 ? used + counters.get(i).range() : used;
        }
        return micros / 1e6;
    }
}
