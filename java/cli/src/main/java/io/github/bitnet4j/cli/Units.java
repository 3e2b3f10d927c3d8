package io.github.bitnet4j.cli;

import java.time.Duration;
import java.util.Locale;

/** Sizes and rates as people read them; decimal units, as disks and memory bandwidths are given. */
final class Units {
    private Units() {}

    static String bytes(long bytes) {
        return scaled(bytes, "B");
    }

    static String count(long count) {
        return scaled(count, "").replace(" k", " K").replace(" G", " B");
    }

    /** GB/s with one decimal. */
    static String rate(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
    }

    static double milliseconds(Duration time) {
        return time.toNanos() / 1e6;
    }

    private static String scaled(long value, String unit) {
        double scaled = value;
        String[] prefixes = {"", "k", "M", "G", "T"};
        int prefix = 0;
        while (scaled >= 1000 && prefix < prefixes.length - 1) {
            scaled /= 1000;
            prefix++;
        }
        return String.format(Locale.ROOT, prefix == 0 ? "%.0f %s%s" : "%.2f %s%s", scaled, prefixes[prefix], unit).strip();
    }
}
