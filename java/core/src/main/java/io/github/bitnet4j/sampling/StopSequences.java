package io.github.bitnet4j.sampling;

import java.util.List;

/**
 * Ends a stream of text at the first of some stop strings, which may begin in one piece and end in another. Text that may still
 * turn out to be the beginning of a stop string is held back until that is decided; no more than that. One stream, one thread.
 */
public final class StopSequences {

    /**
     * What a piece of text led to.
     *
     * @param text    text that is now certain to come before any stop string; what follows on what was emitted before
     * @param stopped whether a stop string is complete; it and all after it are not part of any text
     */
    public record Step(String text, boolean stopped) {}

    private final String[] stops;
    /** Knuth, Morris and Pratt, by stop string: the longest proper prefix of its first i + 1 characters that is also their suffix. */
    private final int[][] borders;
    /** By stop string: how many of its characters the text so far ends with. */
    private final int[] matched;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    /**
     * @param stops any number of stop strings
     * @throws IllegalArgumentException if one is empty
     */
    public StopSequences(List<String> stops) {
        this.stops = stops.toArray(String[]::new);
        borders = new int[this.stops.length][];
        matched = new int[this.stops.length];
        for (int s = 0; s < this.stops.length; s++) {
            if (this.stops[s].isEmpty()) {
                throw new IllegalArgumentException("a stop string is empty: every text would end before it begins");
            }
            borders[s] = borders(this.stops[s]);
        }
    }

    private static int[] borders(String stop) {
        int[] border = new int[stop.length()];
        for (int i = 1; i < border.length; i++) {
            int length = border[i - 1];
            while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
                length = border[length - 1];
            }
            border[i] = stop.charAt(i) == stop.charAt(length) ? length + 1 : 0;
        }
        return border;
    }

    /**
     * Takes the next piece of the text. Of several stop strings the one that ends first counts; of those that end together, the
     * longest. Once stopped, every further piece is dropped.
     *
     * @param piece decoded text, possibly empty
     * @return the text that can be shown, and whether the stream has ended
     */
    public Step accept(String piece) {
        for (int i = 0; i < piece.length() && !stopped; i++) {
            char c = piece.charAt(i);
            held.append(c);
            int longest = 0;
            for (int s = 0; s < stops.length; s++) {
                if (advance(s, c) == stops[s].length()) {
                    longest = Math.max(longest, stops[s].length());
                }
            }
            if (longest > 0) {
                stopped = true;
                held.setLength(held.length() - longest);
                return new Step(flush(), true);
            }
        }
        if (stopped) {
            return new Step("", true);
        }
        int undecided = 0;
        for (int length : matched) {
            undecided = Math.max(undecided, length);
        }
        int decided = held.length() - undecided;
        String text = held.substring(0, decided);
        held.delete(0, decided);
        return new Step(text, false);
    }

    private int advance(int s, char c) {
        int length = matched[s];
        while (length > 0 && stops[s].charAt(length) != c) {
            length = borders[s][length - 1];
        }
        matched[s] = stops[s].charAt(length) == c ? length + 1 : 0;
        return matched[s];
    }

    /**
     * Ends the stream from outside.
     *
     * @return the text that was held back: no stop string came of it
     */
    public String flush() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }
}
