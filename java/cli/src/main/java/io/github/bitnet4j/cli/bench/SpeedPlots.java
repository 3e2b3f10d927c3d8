package io.github.bitnet4j.cli.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Tokens a second: against threads, depth, length and passes of prompts, and beside other programs. */
final class SpeedPlots {
    /** Of a plot's height: what a label takes, and how far above its point it stands. */
    private static final double LABEL = 0.05;
    private static final double ABOVE = 0.035;

    private final BenchReport report;
    /** What tells the settings of the tests apart. */
    private final Map<List<String>, String> names;

    SpeedPlots(BenchReport report) {
        this.report = report;
        names = Words.telling(report.tests().stream().map(TestResult::words).toList());
    }

    /** What the tests have something to say about: a line needs two points. */
    List<Plot> all() {
        return Stream.of(
                peers(),
                against("threads", "Tokens a second by threads", "threads", test -> true, test -> test.setting().threads(),
                        TestResult::test, false),
                against("depth", "Tokens a second by depth of the context", "tokens in the context before", test -> true,
                        TestResult::depth, test -> (test.prefill() ? "pp" : "tg") + test.tokens(), true),
                against("prompt", "Prompt tokens a second by length of the prompt", "tokens of the prompt", TestResult::prefill,
                        TestResult::tokens, test -> test.depth() == 0 ? "pp" : "pp @ d" + test.depth(), true),
                against("batch", "Prompt tokens a second by tokens of a pass", "most tokens of a prompt in one pass",
                        TestResult::prefill, test -> test.setting().batch(), TestResult::test, true))
                .flatMap(List::stream).toList();
    }

    static String threads(int count) {
        return count == 1 ? "1 thread" : count + " threads";
    }

    static String join(String... words) {
        return String.join(", ", Stream.of(words).filter(word -> !word.isEmpty()).toList());
    }

    /** A line for each {@code kind} and setting; no plot when none has two points. */
    private List<Plot> against(String name, String title, String axis, Predicate<TestResult> wanted,
                               Function<TestResult, Integer> x, Function<TestResult, String> kind, boolean withThreads) {
        Map<String, Map<Integer, TestResult>> lines = new LinkedHashMap<>();
        report.tests().stream().filter(wanted).forEach(test -> lines.computeIfAbsent(
                join(kind.apply(test), withThreads ? threads(test.setting().threads()) : "", setting(test, name)),
                key -> new TreeMap<>()).putIfAbsent(x.apply(test), test));
        lines.values().removeIf(points -> points.size() < 2);
        if (lines.isEmpty()) {
            return List.of();
        }
        double top = lines.values().stream().flatMap(points -> points.values().stream())
                .mapToDouble(SpeedPlots::whisker).max().getAsDouble() * 1.12;
        XYChart chart = PlotStyle.lines(title, axis, "tokens/s");
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(top).setXAxisDecimalPattern("0").setErrorBarsColorSeriesColor(true);
        int i = 0;
        for (Map.Entry<String, Map<Integer, TestResult>> line : lines.entrySet()) {
            List<TestResult> points = List.copyOf(line.getValue().values());
            XYSeries drawn = chart.addSeries(line.getKey(), line.getValue().keySet().stream().mapToDouble(n -> n).toArray(),
                    points.stream().mapToDouble(TestResult::tokensPerSecond).toArray(),
                    points.stream().mapToDouble(TestResult::stddev).toArray());
            PlotStyle.line(drawn, PlotStyle.colour(i++), SeriesMarkers.CIRCLE);
        }
        label(chart, lines.values().stream().flatMap(points -> points.entrySet().stream()).toList(), top);
        return List.of(new Plot(name, "Means over the runs of each test; whiskers show their standard deviation.", chart));
    }

    /** What tells the setting of a test apart, but for the batch in the plot against it. */
    private String setting(TestResult test, String plot) {
        return plot.equals("batch") ? "" : names.get(test.words());
    }

    /** The value of each point, from the top down, where no label of the same place is in the way. */
    private static void label(XYChart chart, List<Map.Entry<Integer, TestResult>> points, double top) {
        Map<Integer, Double> lowest = new TreeMap<>();
        points.stream().sorted(Comparator.comparingDouble(point -> -whisker(point.getValue()))).forEach(point -> {
            double y = whisker(point.getValue());
            if (lowest.getOrDefault(point.getKey(), Double.MAX_VALUE) - y > LABEL * top) {
                chart.addAnnotation(PlotStyle.label(number(point.getValue().tokensPerSecond()), point.getKey(), y + ABOVE * top));
                lowest.put(point.getKey(), y);
            }
        });
    }

    private static double whisker(TestResult test) {
        return test.tokensPerSecond() + test.stddev();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%.0f", value);
    }

    /** A group of bars for each test and number of threads; no plot when nothing was compared. */
    private List<Plot> peers() {
        List<Comparison> comparisons = report.comparisons();
        if (comparisons.isEmpty()) {
            return List.of();
        }
        Map<List<String>, String> others = Words.telling(comparisons.stream().map(SpeedPlots::other).toList());
        Map<List<String>, String> own = Words.telling(comparisons.stream().map(Comparison::setting).toList());
        Map<String, Map<String, Double>> bars = new LinkedHashMap<>();
        comparisons.forEach(one -> bars.computeIfAbsent(join(one.other(), others.get(other(one)).replaceFirst(
                "^" + java.util.regex.Pattern.quote(one.other()) + "(, )?", "")), key -> new LinkedHashMap<>())
                .put(group(one), one.theirs()));
        comparisons.forEach(one -> bars.computeIfAbsent(join("bitnet4j", own.get(one.setting())), key -> new LinkedHashMap<>())
                .put(group(one), one.ours()));
        List<String> groups = new ArrayList<>(comparisons.stream().map(SpeedPlots::group).distinct().toList());
        CategoryChart chart = PlotStyle.bars("Tokens a second beside other programs", "", "tokens/s");
        chart.getStyler().setLabelsVisible(true).setLabelsPosition(0.94).setLabelsFontColorAutomaticEnabled(true);
        chart.getStyler().setYAxisDecimalPattern("0.#");
        bars.forEach((program, values) -> chart.addSeries(program, groups, groups.stream()
                .map(group -> values.containsKey(group) ? Math.round(values.get(group) * 10) / 10.0 : null).toList()));
        double top = comparisons.stream().mapToDouble(one -> Math.max(one.ours(), one.theirs())).max().getAsDouble();
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(top * 1.12);
        return List.of(new Plot("tokens", "Medians over the runs; the table of ratios has confidence intervals.", chart));
    }

    private static List<String> other(Comparison comparison) {
        return Stream.concat(Stream.of(comparison.other()), comparison.otherSetting().stream()).toList();
    }

    private static String group(Comparison comparison) {
        return comparison.test() + ", " + threads(comparison.threads());
    }
}
