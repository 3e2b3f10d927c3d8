package io.github.bitnet4j.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The rows of a report as cells, for whatever prints tables. A title that begins with '>' marks a column of numbers. */
public final class ReportTables {
    /** A table with titles; rows are as long as these. */
    public record Cells(List<String> titles, List<List<String>> rows) {}

    private ReportTables() {}

    /** The tests; columns about what was not measured are left out. */
    public static Cells tests(BenchReport report) {
        boolean latency = report.tests().stream().anyMatch(test -> test.latency() != null);
        boolean energy = report.tests().stream().anyMatch(test -> test.joulesPerToken() != null);
        List<String> titles = new ArrayList<>(List.of("model", "isa", ">threads", "head", "kv", "load", ">test", ">t/s", ">GB/s",
                ">of read", ">G MAC/s", ">of peak"));
        titles.addAll(latency ? List.of(">p50 ms", ">p99/p50", ">reads' p99/p50") : List.of());
        titles.addAll(energy ? List.of(">J/token") : List.of());
        return new Cells(titles, report.tests().stream().map(test -> {
            TestResult.Setting setting = test.setting();
            List<String> cells = new ArrayList<>(List.of(test.model(), setting.isa(), "" + setting.threads(), setting.head(),
                    setting.kv(), setting.load(), test.test(), format("%.2f ± %.2f", test.tokensPerSecond(), test.stddev()),
                    giga(test.bytesPerSecond()), percent(test.bandwidthShare()), giga(test.multiplyAddsPerSecond()),
                    percent(test.peakShare())));
            Optional<Latency> of = Optional.ofNullable(test.latency());
            cells.addAll(latency ? List.of(of.map(l -> format("%.2f", l.p50())).orElse(""),
                    of.map(l -> format("%.2f", l.p99OverP50())).orElse(""),
                    Optional.ofNullable(test.readTail()).map(tail -> format("%.2f", tail)).orElse("")) : List.of());
            cells.addAll(energy ? List.of(Optional.ofNullable(test.joulesPerToken()).map(j -> format("%.3f", j)).orElse(""))
                    : List.of());
            return cells;
        }).toList());
    }

    public static Cells kernels(BenchReport report) {
        return new Cells(List.of("kernel", ">shape", ">threads", ">µs", ">GB/s", ">of read", ">G MAC/s", ">of peak"),
                report.trials().stream().map(trial -> List.of(trial.kernel(), trial.shape(), "" + trial.threads(),
                        format("%.2f", trial.nanoseconds() / 1e3), trial.bytes() == 0 ? "" : giga(trial.bytesPerSecond()),
                        trial.bytes() == 0 ? "" : percent(trial.bandwidthShare()),
                        trial.multiplyAddsPerSecond() == 0 ? "" : giga(trial.multiplyAddsPerSecond()),
                        trial.multiplyAdds() == 0 ? "" : percent(trial.peakShare()))).toList());
    }

    public static Cells comparisons(BenchReport report) {
        return new Cells(List.of(">test", ">threads", "bitnet4j", "other", ">t/s", ">other's", ">ratio", ">of means", ">95 % interval"),
                report.comparisons().stream().map(one -> List.of(one.test(), "" + one.threads(), String.join(", ", one.setting()),
                        one.other() + ", " + String.join(", ", one.otherSetting()), format("%.2f", one.ours()),
                        format("%.2f", one.theirs()), format("%.2f", one.ratio()), format("%.2f", one.meanRatio()),
                        one.low() == null ? "one run" : format("%.2f to %.2f", one.low(), one.high()))).toList());
    }

    public static Cells roofs(BenchReport report) {
        return new Cells(List.of("isa", ">threads", "memory", ">read GB/s", ">peak G MAC/s"), report.roofs().stream()
                .map(roof -> List.of(roof.isa(), "" + roof.threads(), roof.memory(), giga(roof.readBandwidth()), giga(roof.peak())))
                .distinct().toList());
    }

    private static final String CSV_TITLES = "model,size,params,isa,threads,batch,head,kv,load,test,tokens_per_second,stddev,"
            + "bytes_per_token,bytes_per_second,read_bandwidth,bandwidth_share,multiply_adds_per_second,peak_share,p50_ms,p99_ms,read_p99_over_p50,joules_per_token";
    private static final String CSV_KERNEL_TITLES = "kernel,operation,format,isa,rows,cols,n,density,threads,nanoseconds,bytes,"
            + "multiply_adds,float_multiply_adds,bytes_per_second,bandwidth_share,multiply_adds_per_second,peak_share";

    /** The tests as CSV and, when there are any, an empty line and the kernels. What was not measured is empty. */
    public static List<String> csv(BenchReport report) {
        Stream<String> tests = report.tests().isEmpty() ? Stream.of()
                : Stream.concat(Stream.of(CSV_TITLES), report.tests().stream().map(ReportTables::csv));
        Stream<String> kernels = report.trials().isEmpty() ? Stream.of()
                : Stream.concat(Stream.of(CSV_KERNEL_TITLES), report.trials().stream().map(ReportTables::csv));
        Stream<String> gap = report.tests().isEmpty() || report.trials().isEmpty() ? Stream.of() : Stream.of("");
        return Stream.of(tests, gap, kernels).flatMap(lines -> lines).toList();
    }

    private static String csv(TestResult test) {
        TestResult.Setting setting = test.setting();
        Latency latency = test.latency();
        return String.join(",", quoted(test.model()), "" + test.size(), "" + test.params(), setting.isa(), "" + setting.threads(),
                "" + setting.batch(), setting.head(), setting.kv(), setting.load(), test.test(),
                format("%.6f", test.tokensPerSecond()), format("%.6f", test.stddev()), format("%.0f", test.bytesPerToken()), format("%.0f", test.bytesPerSecond()),
                format("%.0f", test.readBandwidth()), format("%.6f", test.bandwidthShare()),
                format("%.0f", test.multiplyAddsPerSecond()), format("%.6f", test.peakShare()),
                latency == null ? "" : format("%.6f", latency.p50()), latency == null ? "" : format("%.6f", latency.p99()),
                test.readTail() == null ? "" : format("%.6f", test.readTail()),
                test.joulesPerToken() == null ? "" : format("%.6f", test.joulesPerToken()));
    }

    private static String csv(KernelResult trial) {
        return String.join(",", trial.kernel(), trial.operation(), trial.format(), trial.isa(), "" + trial.rows(),
                "" + trial.cols(), "" + trial.n(), "" + trial.density(), "" + trial.threads(), format("%.1f", trial.nanoseconds()), "" + trial.bytes(),
                "" + trial.multiplyAdds(), "" + trial.floatMultiplyAdds(), format("%.0f", trial.bytesPerSecond()),
                format("%.6f", trial.bandwidthShare()), format("%.0f", trial.multiplyAddsPerSecond()),
                format("%.6f", trial.peakShare()));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }

    private static String giga(double value) {
        return format("%.2f", value / 1e9);
    }

    private static String percent(double share) {
        return format("%.0f %%", 100 * share);
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
