package io.github.bitnet4j.cli.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Which share of the generated tokens took no longer than a time: pauses are a tail to the right. */
final class LatencyPlot {
    /** Times the slowest median: what is further to the right is told in words. */
    private static final double SHOWN = 3;

    private LatencyPlot() {}

    /** No plot when nothing was generated. */
    static List<Plot> of(BenchReport report) {
        Map<List<String>, String> settings = Words.telling(report.tests().stream().map(TestResult::words).toList());
        Map<String, Latency> lines = new LinkedHashMap<>();
        report.tests().stream().filter(test -> test.latency() != null).forEach(test -> lines.putIfAbsent(SpeedPlots.join(test.test(),
                SpeedPlots.threads(test.setting().threads()), settings.get(test.words())), test.latency()));
        if (lines.isEmpty()) {
            return List.of();
        }
        double right = SHOWN * lines.values().stream().mapToDouble(Latency::p50).max().getAsDouble();
        double slowest = lines.values().stream().mapToDouble(Latency::max).max().getAsDouble();
        XYChart chart = PlotStyle.lines("Latency of generated tokens", "milliseconds", "% of the tokens took no longer");
        chart.getStyler().setXAxisMin(0.0).setXAxisMax(Math.min(right, slowest * 1.02)).setYAxisMin(0.0).setYAxisMax(100.0);
        int i = 0;
        for (Map.Entry<String, Latency> line : lines.entrySet()) {
            Latency latency = line.getValue();
            String name = String.format(Locale.ROOT, "%s: p50 %.2f ms, p99/p50 %.2f", line.getKey(), latency.p50(), latency.p99OverP50());
            XYSeries series = chart.addSeries(name, times(latency, right), shares(latency, right));
            series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Step);
            PlotStyle.line(series, PlotStyle.colour(i++), SeriesMarkers.NONE);
        }
        return List.of(new Plot("latency", String.format(Locale.ROOT, "The slowest token took %.1f ms%s.", slowest,
                slowest > right ? ", outside the plot" : ""), chart));
    }

    private static double[] times(Latency latency, double right) {
        List<Double> times = new java.util.ArrayList<>(List.of(latency.histogram().getFirst().from()));
        latency.histogram().stream().map(Latency.Bucket::to).filter(to -> to < right).forEach(times::add);
        return times.stream().mapToDouble(time -> time).toArray();
    }

    private static double[] shares(Latency latency, double right) {
        double all = latency.histogram().stream().mapToInt(Latency.Bucket::tokens).sum();
        double[] shares = new double[times(latency, right).length];
        for (int i = 1; i < shares.length; i++) {
            shares[i] = shares[i - 1] + 100 * latency.histogram().get(i - 1).tokens() / all;
        }
        return shares;
    }
}
