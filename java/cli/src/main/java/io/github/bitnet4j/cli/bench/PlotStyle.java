package io.github.bitnet4j.cli.bench;

import io.github.bitnet4j.BitNetException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.List;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.Marker;

/**
 * What all plots look like: no background and greys in the middle, so that they can lie on a light page and on a dark one;
 * colours that people with any colour vision tell apart (Okabe and Ito, https://jfly.uni-koeln.de/color/).
 */
final class PlotStyle {
    static final int WIDTH = 900;
    static final int HEIGHT = 540;
    static final List<Color> COLOURS = List.of(new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73),
            new Color(0xCC79A7), new Color(0xE69F00), new Color(0x56B4E9));
    static final Color INK = new Color(0x737B87);
    private static final BasicStroke LINE = new BasicStroke(2f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
    private static final Color GRID = new Color(0x80, 0x88, 0x94, 0x38);
    private static final Color NOTHING = new Color(0, 0, 0, 0);
    private static final String FONT = Font.SANS_SERIF;
    private static final int TEXT = 13;

    private PlotStyle() {}

    static Color colour(int i) {
        return COLOURS.get(i % COLOURS.size());
    }

    static XYChart lines(String title, String x, String y) {
        XYChart chart = drawable(() -> new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle(x)
                .yAxisTitle(y).build());
        style(chart.getStyler());
        return chart;
    }

    static CategoryChart bars(String title, String x, String y) {
        CategoryChart chart = drawable(() -> new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(title)
                .xAxisTitle(x).yAxisTitle(y).build());
        style(chart.getStyler());
        chart.getStyler().setPlotGridVerticalLinesVisible(false);
        chart.getStyler().setAvailableSpaceFill(0.8);
        return chart;
    }

    /** Fonts are the one thing that drawing needs of the system. */
    static <T> T drawable(java.util.function.Supplier<T> drawing) {
        System.setProperty("java.awt.headless", "true");
        try {
            return drawing.get();
        } catch (InternalError | LinkageError e) {
            throw new BitNetException("cannot draw plots: Java finds no fonts on this system; install fontconfig and a font "
                    + "(on Debian: apt-get install fontconfig fonts-dejavu-core), or leave out --html and --plots", e);
        }
    }

    private static void style(AxesChartStyler styler) {
        styler.setChartBackgroundColor(NOTHING).setPlotBackgroundColor(NOTHING).setPlotBorderVisible(false)
                .setChartFontColor(INK).setChartTitleBoxVisible(false).setChartTitleFont(font(Font.BOLD, TEXT + 3))
                .setChartTitlePadding(12).setChartPadding(14).setAntiAlias(true).setMarkerSize(8)
                .setLegendPosition(Styler.LegendPosition.OutsideS).setLegendLayout(Styler.LegendLayout.Vertical)
                .setLegendBackgroundColor(NOTHING).setLegendBorderColor(NOTHING).setLegendFont(font(Font.PLAIN, TEXT - 1))
                .setAnnotationTextFont(font(Font.PLAIN, TEXT - 1)).setAnnotationTextFontColor(INK)
                .setSeriesColors(COLOURS.toArray(Color[]::new));
        styler.setAxisTitleFont(font(Font.PLAIN, TEXT)).setAxisTickLabelsFont(font(Font.PLAIN, TEXT - 1))
                .setAxisTickLabelsColor(INK).setAxisTickMarksColor(GRID).setPlotGridLinesColor(GRID)
                .setPlotGridLinesStroke(new BasicStroke(1)).setAxisTicksLineVisible(false).setPlotMargin(0)
                .setXAxisTitleColor(INK).setYAxisTitleColor(INK);
    }

    private static Font font(int style, int size) {
        return new Font(FONT, style, size);
    }

    /** A line through points of one colour. */
    static void line(XYSeries series, Color colour, Marker marker) {
        series.setLineStyle(LINE).setLineColor(colour);
        series.setMarker(marker);
        series.setMarkerColor(colour);
    }

    /** Points without a line. */
    static void points(XYSeries series, Color colour, Marker marker) {
        series.setLineStyle(SeriesLines.NONE).setLineColor(NOTHING);
        series.setMarker(marker);
        series.setMarkerColor(colour);
    }

    /** Words beside a point, in the chart's own units. */
    static AnnotationText label(String text, double x, double y) {
        return new AnnotationText(text, x, y, false);
    }
}
