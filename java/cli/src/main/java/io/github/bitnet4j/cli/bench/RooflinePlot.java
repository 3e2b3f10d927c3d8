package io.github.bitnet4j.cli.bench;

import java.awt.Color;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Collectors;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Williams, Waterman and Patterson's roofline (doi:10.1145/1498765.1498785) in int8 multiply-adds: to the left memory bounds a
 * kernel, to the right the multiply-add of its ISA. One plot for each number of threads.
 */
final class RooflinePlot {
    private static final Map<String, Marker> MARKERS = Map.of("gemv", SeriesMarkers.CIRCLE, "gemm", SeriesMarkers.SQUARE,
            "gemm_packed", SeriesMarkers.DIAMOND, "coarse", SeriesMarkers.TRIANGLE_UP, "gemv_rows", SeriesMarkers.TRIANGLE_DOWN,
            "bit_sum", SeriesMarkers.PLUS, "whole model", SeriesMarkers.CROSS);
    private static final double GIGA = 1e9;
    /** To the right of the last point, for the names of the lines: so many times its multiply-adds a byte. */
    private static final double MARGIN = 60;
    /** Peaks that differ by less are one line to the eye. */
    private static final double ALIKE = 0.03;
    /** Of a line's height: where its name stands ... */
    private static final double ABOVE = 1.14;
    /** ... unless the name before it is less than so many times as high: then as far below. */
    private static final double NEAR = 1.25;

    /** Multiply-adds a byte and a second. */
    private record Point(String isa, String kind, double intensity, double rate) {}

    private RooflinePlot() {}

    static List<Plot> of(BenchReport report) {
        List<Integer> threads = report.roofs().stream().map(Roof::threads).distinct().sorted().toList();
        return threads.stream().map(n -> plot(report, n, threads.size() == 1 ? "roofline" : "roofline-t" + n)).toList();
    }

    private static Plot plot(BenchReport report, int threads, String name) {
        XYChart chart = PlotStyle.lines("Roofline, " + threads + (threads == 1 ? " thread" : " threads"),
                "multiply-adds a byte", "G multiply-adds a second");
        chart.getStyler().setLegendLayout(Styler.LegendLayout.Horizontal);
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        List<Roof> roofs = roofs(report, threads);
        List<Point> points = points(report, threads);
        double left = decade(points.stream().mapToDouble(Point::intensity).min().orElse(1), Math::floor);
        double right = MARGIN * points.stream().mapToDouble(Point::intensity).max().orElse(100);
        chart.getStyler().setXAxisMin(left).setXAxisMax(right)
                .setYAxisMin(decade(points.stream().mapToDouble(Point::rate).min().orElse(1), Math::floor))
                .setYAxisMax(decade(1.3 * roofs.getFirst().peak() / GIGA, Math::ceil));
        Set<String> explained = new HashSet<>();
        double named = Double.MAX_VALUE;
        for (int i = 0; i < roofs.size(); i++) {
            Roof roof = roofs.get(i);
            addRoof(chart, roof, left, right, PlotStyle.colour(i));
            List<Roof> alike = roofs.stream().filter(other -> Math.abs(other.peak() / roof.peak() - 1) < ALIKE).toList();
            if (alike.getFirst() == roof) {
                double above = ABOVE * roof.peak();
                named = above * NEAR > named ? roof.peak() / ABOVE : above;
                addLabel(chart, alike, right, named);
            }
            addPoints(chart, points.stream().filter(point -> point.isa().equals(roof.isa())).toList(), PlotStyle.colour(i), explained);
        }
        return new Plot(name, "Lines: what " + report.cpu() + " can do, as measured in the same process; slanted the read "
                + "bandwidth, level the multiply-adds of each instruction set on registers. Points: kernels of the table and whole "
                + "models. gemm_packed looks some sums up instead of multiplying and may lie above the level line; so may weights that a cache "
                + "holds lie above the slanted one.", chart);
    }

    /** The power of ten below or above. */
    private static double decade(double value, DoubleUnaryOperator towards) {
        return Math.pow(10, towards.applyAsDouble(Math.log10(value)));
    }

    /** The highest peak of each ISA, from the highest of them down, over the highest bandwidth: all read by the same code. */
    private static List<Roof> roofs(BenchReport report, int threads) {
        List<Roof> some = report.roofs().stream().filter(roof -> roof.threads() == threads).toList();
        double bandwidth = some.stream().mapToDouble(Roof::readBandwidth).max().orElseThrow();
        Map<String, Double> peaks = new HashMap<>();
        some.forEach(roof -> peaks.merge(roof.isa(), roof.peak(), Math::max));
        return peaks.entrySet().stream().map(peak -> new Roof(peak.getKey(), threads, "", bandwidth, peak.getValue()))
                .sorted(Comparator.comparingDouble(Roof::peak).reversed()).toList();
    }

    private static List<Point> points(BenchReport report, int threads) {
        List<Point> points = new ArrayList<>();
        report.trials().stream().filter(trial -> trial.threads() == threads && trial.bytes() > 0 && trial.multiplyAdds() > 0)
                .forEach(trial -> points.add(new Point(trial.isa(), trial.operation(),
                        (double) trial.multiplyAdds() / trial.bytes(), trial.multiplyAdds() / trial.nanoseconds())));
        report.tests().stream().filter(test -> test.setting().threads() == threads && test.bytesPerSecond() > 0)
                .forEach(test -> points.add(new Point(test.setting().isa(), "whole model",
                        test.multiplyAddsPerSecond() / test.bytesPerSecond(), test.multiplyAddsPerSecond() / GIGA)));
        return points;
    }

    private static void addRoof(XYChart chart, Roof roof, double left, double right, Color colour) {
        double ridge = roof.peak() / roof.readBandwidth();
        double[] x = {left, Math.clamp(ridge, left, right), right};
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = Math.min(roof.peak(), x[i] * roof.readBandwidth()) / GIGA;
        }
        XYSeries line = chart.addSeries(roof.isa(), x, y);
        PlotStyle.line(line, colour, SeriesMarkers.NONE);
        line.setShowInLegend(false);
    }

    /** One label for lines that lie on each other. */
    private static void addLabel(XYChart chart, List<Roof> alike, double right, double height) {
        Roof first = alike.getFirst();
        String names = alike.stream().map(Roof::isa).sorted().collect(Collectors.joining(", "));
        chart.addAnnotation(PlotStyle.label(String.format(Locale.ROOT, "%s: %.0f G/s, %.0f GB/s", names, first.peak() / GIGA,
                first.readBandwidth() / GIGA), right / Math.sqrt(MARGIN), height / GIGA));
    }

    /** One series for each kind; the first of a kind explains its marker in the legend. */
    private static void addPoints(XYChart chart, List<Point> points, Color colour, Set<String> explained) {
        for (String kind : points.stream().map(Point::kind).distinct().toList()) {
            List<Point> some = points.stream().filter(point -> point.kind().equals(kind)).toList();
            XYSeries series = chart.addSeries(explained.contains(kind) ? kind + " " + some.getFirst().isa() : kind,
                    some.stream().mapToDouble(Point::intensity).toArray(), some.stream().mapToDouble(Point::rate).toArray());
            PlotStyle.points(series, colour, MARKERS.getOrDefault(kind, SeriesMarkers.OVAL));
            series.setShowInLegend(explained.add(kind));
        }
    }
}
