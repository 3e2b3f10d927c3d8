package io.github.bitnet4j.cli.bench;

import java.util.List;

/** A report as one page that needs nothing else: its plots are inline SVG. */
public final class HtmlReport {
    private static final String HEAD = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>bitnet bench</title>
            <style>
            :root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --rule: #d0d7de; --paper: #ffffff; }
            @media (prefers-color-scheme: dark) {
              :root { --ink: #e6edf3; --soft: #8d96a0; --rule: #30363d; --paper: #0d1117; }
            }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
                   max-width: 72rem; padding: 0 1rem; }
            h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
            p, figcaption { color: var(--soft); max-width: 60rem; }
            figure { margin: 1.5rem 0; } figcaption { font-size: .9rem; }
            .wide { overflow-x: auto; }
            table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
            th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
            th { color: var(--soft); font-weight: 600; }
            .number { text-align: right; }
            </style>
            </head>
            <body>
            """;

    private final StringBuilder page = new StringBuilder(HEAD);

    private HtmlReport() {}

    public static String of(BenchReport report) {
        HtmlReport html = new HtmlReport();
        html.page.append("<h1>bitnet bench</h1>\n<p>").append(text(report.cpu())).append("</p>\n");
        html.section("Tests", "ppN reads a prompt of N tokens, tgN generates N tokens one by one, @ dD means after D tokens. "
                + "GB/s are the weights, keys and values that had to be read; 'of read' is their share of what the same threads "
                + "merely read of the same memory between the runs. MAC are int8 multiply-adds, 'of peak' their share of what the "
                + "instruction set multiplies on registers.", ReportTables.tests(report));
        html.section("Beside other programs", "Medians over the runs and their ratio; the ratio of geometric means, with Welch's 95 % confidence interval on the logarithms.",
                ReportTables.comparisons(report));
        for (Plot plot : PlotFiles.plots(report)) {
            html.page.append("<figure>\n").append(PlotFiles.svg(plot)).append("\n<figcaption>").append(text(plot.about()))
                    .append("</figcaption>\n</figure>\n");
        }
        html.section("What the machine can do", "", ReportTables.roofs(report));
        html.section("Kernels", "The shortest of many passes. Weights that a cache holds are read faster than memory is.",
                ReportTables.kernels(report));
        return html.page.append("</body>\n</html>\n").toString();
    }

    private void section(String title, String about, ReportTables.Cells table) {
        if (table.rows().isEmpty()) {
            return;
        }
        page.append("<h2>").append(title).append("</h2>\n<p>").append(text(about)).append("</p>\n<div class=\"wide\"><table>\n");
        row("th", table.titles(), table.titles().stream().map(name -> name.startsWith(">") ? name.substring(1) : name).toList());
        table.rows().forEach(cells -> row("td", table.titles(), cells));
        page.append("</table></div>\n");
    }

    private void row(String element, List<String> titles, List<String> cells) {
        page.append("<tr>");
        for (int i = 0; i < cells.size(); i++) {
            page.append('<').append(element).append(titles.get(i).startsWith(">") ? " class=\"number\">" : ">")
                    .append(text(cells.get(i))).append("</").append(element).append('>');
        }
        page.append("</tr>\n");
    }

    private static String text(String value) {
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
