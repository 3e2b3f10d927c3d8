package io.github.bitnet4j.cli.bench;

import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import io.github.bitnet4j.WholeFile;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** Plots as SVG and PNG. */
public final class PlotFiles {
    /** Pixels of a PNG for each of the chart's own. */
    private static final int SCALE = 2;

    private PlotFiles() {}

    /** All plots that a report has something for. */
    static List<Plot> plots(BenchReport report) {
        return Stream.of(new SpeedPlots(report).all(), LatencyPlot.of(report), RooflinePlot.of(report)).flatMap(List::stream).toList();
    }

    /** Writes NAME.svg and NAME.png of every plot into a folder, which exists, and gives their paths. */
    public static List<Path> write(BenchReport report, Path folder) throws IOException {
        List<Path> written = new ArrayList<>();
        for (Plot plot : plots(report)) {
            written.add(write(folder.resolve(plot.name() + ".svg"), (svg(plot) + "\n").getBytes(StandardCharsets.UTF_8)));
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            ImageIO.write(image(plot), "png", png);
            written.add(write(folder.resolve(plot.name() + ".png"), png.toByteArray()));
        }
        return written;
    }

    private static Path write(Path file, byte[] bytes) throws IOException {
        WholeFile.write(file, bytes);
        return file;
    }

    /** An {@code svg} element that refers to nothing outside, with ids of its own so that several can share a page. */
    static String svg(Plot plot) {
        VectorGraphics2D graphics = new VectorGraphics2D();
        PlotStyle.drawable(() -> {
            plot.chart().paint(graphics, PlotStyle.WIDTH, PlotStyle.HEIGHT);
            return graphics;
        });
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            new SVGProcessor().getDocument(graphics.getCommands(), new PageSize(PlotStyle.WIDTH, PlotStyle.HEIGHT)).writeTo(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String document = bytes.toString(StandardCharsets.UTF_8);
        return document.substring(document.indexOf("<svg"))
                .replaceFirst("width=\"[^\"]*\" height=\"[^\"]*\"", "width=\"100%\" style=\"max-width:" + PlotStyle.WIDTH + "px\"")
                .replace("id=\"", "id=\"" + plot.name() + "-").replace("url(#", "url(#" + plot.name() + "-").strip();
    }

    private static BufferedImage image(Plot plot) {
        BufferedImage image = new BufferedImage(SCALE * PlotStyle.WIDTH, SCALE * PlotStyle.HEIGHT, BufferedImage.TYPE_INT_ARGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(SCALE, SCALE);
        PlotStyle.drawable(() -> {
            plot.chart().paint(graphics, PlotStyle.WIDTH, PlotStyle.HEIGHT);
            return graphics;
        });
        graphics.dispose();
        return image;
    }
}
