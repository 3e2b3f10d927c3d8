package io.github.bitnet4j.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Aligned columns with a line of titles; a title that begins with '>' marks a column of numbers. */
final class Table {
    private static final String GAP = "  ";

    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    Table(String... titles) {
        right = new boolean[titles.length];
        String[] shown = new String[titles.length];
        for (int i = 0; i < titles.length; i++) {
            right[i] = titles[i].startsWith(">");
            shown[i] = right[i] ? titles[i].substring(1) : titles[i];
        }
        rows.add(shown);
    }

    Table row(String... cells) {
        rows.add(cells);
        return this;
    }

    /** Prints the table and an empty line. */
    void print(Output out) {
        int[] widths = widths();
        for (String[] row : rows) {
            out.println(String.join(GAP, padded(row, widths)).stripTrailing());
        }
        out.println("");
    }

    /** Prints it as a Markdown table, and an empty line. */
    void printMarkdown(Output out) {
        int[] widths = widths();
        for (int i = 0; i < rows.size(); i++) {
            out.println("| " + String.join(" | ", padded(rows.get(i), widths)) + " |");
            if (i == 0) {
                String[] rules = new String[right.length];
                Arrays.setAll(rules, c -> right[c] ? "-".repeat(widths[c] - 1) + ":" : "-".repeat(widths[c]));
                out.println("| " + String.join(" | ", rules) + " |");
            }
        }
        out.println("");
    }

    private int[] widths() {
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            Arrays.setAll(widths, i -> Math.max(widths[i], length(row[i])));
        }
        return widths;
    }

    private String[] padded(String[] row, int[] widths) {
        String[] cells = new String[row.length];
        Arrays.setAll(cells, i -> {
            String padding = " ".repeat(widths[i] - length(row[i]));
            return right[i] ? padding + row[i] : row[i] + padding;
        });
        return cells;
    }

    private static int length(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
