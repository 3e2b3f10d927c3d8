package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import java.util.Arrays;

/** Token ids as text: a JSON array, or whole numbers separated by white space or commas. */
final class TokenIds {
    private final String text;
    private final String where;
    private int at;

    private TokenIds(String text, String where) {
        this.text = text;
        this.where = where;
    }

    /**
     * @param where the origin of the text, for messages
     * @throws BitNetException if there is something else than ids; the message shows it
     */
    static int[] parse(String text, String where) {
        return new TokenIds(text, where).parse();
    }

    /** {@code [1,2,3]}, which {@link #parse} reads again. */
    static String format(int[] ids) {
        StringBuilder line = new StringBuilder(6 * ids.length + 2).append('[');
        for (int i = 0; i < ids.length; i++) {
            line.append(i == 0 ? "" : ",").append(ids[i]);
        }
        return line.append(']').toString();
    }

    private int[] parse() {
        int[] ids = new int[64];
        int count = 0;
        skip(false);
        boolean array = at < text.length() && text.charAt(at) == '[';
        at += array ? 1 : 0;
        for (skip(true); at < text.length() && text.charAt(at) != ']'; skip(true)) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count] = number(count);
            count++;
        }
        if (array != at < text.length()) {
            throw new BitNetException(where + ": the array of token ids is not closed properly; give [1, 2, 3] or 1 2 3");
        }
        at++;
        skip(false);
        if (at < text.length()) {
            throw new BitNetException(where + ": there is more after the array of token ids");
        }
        return Arrays.copyOf(ids, count);
    }

    private void skip(boolean commas) {
        while (at < text.length() && (Character.isWhitespace(text.charAt(at)) || commas && text.charAt(at) == ',')) {
            at++;
        }
    }

    private int number(int index) {
        int start = at;
        while (at < text.length() && !Character.isWhitespace(text.charAt(at)) && ",]".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String word = text.substring(start, at);
        try {
            return Integer.parseInt(word);
        } catch (NumberFormatException e) {
            String shown = word.length() > 20 ? word.substring(0, 20) + "..." : word;
            throw new BitNetException(where + ": entry " + (index + 1) + ", '" + shown + "', is not a token id", e);
        }
    }
}
