package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.text.Normalizer;

/** What {@code java.nio.charset} does not do: lone surrogates as U+FFFD, characters that are not complete yet, normal form C. */
final class Utf8 {

    private Utf8() {}

    /** @return the UTF-8 of a text, each lone surrogate as the three bytes of U+FFFD ({@code getBytes} would make it a '?') */
    static byte[] encode(String text) {
        int lone = loneSurrogate(text, 0);
        if (lone < 0) {
            return text.getBytes(UTF_8);
        }
        StringBuilder repaired = new StringBuilder(text);
        while (lone >= 0) {
            repaired.setCharAt(lone, '\uFFFD');
            lone = loneSurrogate(text, lone + 1);
        }
        return repaired.toString().getBytes(UTF_8);
    }

    static boolean isAscii(byte[] text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (text[i] < 0) {
                return false;
            }
        }
        return true;
    }

    /** @return {@code text[from, to)}, which is well-formed, in Unicode's normal form C */
    static byte[] compose(byte[] text, int from, int to) {
        return Normalizer.normalize(new String(text, from, to - from, UTF_8), Normalizer.Form.NFC).getBytes(UTF_8);
    }

    private static int loneSurrogate(String text, int from) {
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else {
                return i;
            }
        }
        return -1;
    }

    /**
     * Decodes, with U+FFFD for each maximal part of a character that is not completed, as the Unicode standard recommends
     * (chapter 3.9). {@code new String} differs: it makes an encoded surrogate one U+FFFD, which a decoder that may hold
     * nothing back needlessly cannot know after two of the three bytes.
     */
    static String decode(byte[] bytes, int length) {
        String text = new String(bytes, 0, length, UTF_8);
        if (text.indexOf('\uFFFD') < 0) {
            return text;
        }
        StringBuilder repaired = new StringBuilder(length);
        for (int at = 0; at < length;) {
            int part = part(bytes, at, length);
            boolean complete = part > 0 && part == width(bytes[at] & 0xFF);
            repaired.append(complete ? new String(bytes, at, part, UTF_8) : "\uFFFD");
            at += Math.max(1, part);
        }
        return repaired.toString();
    }

    /** How many bytes at the end begin a character that further bytes could still complete: 0 to 3. */
    static int incompleteTail(byte[] bytes, int length) {
        for (int tail = 1; tail <= Math.min(3, length); tail++) {
            int at = length - tail;
            if (part(bytes, at, length) == tail && tail < width(bytes[at] & 0xFF)) {
                return tail;
            }
        }
        return 0;
    }

    /** How many bytes from {@code at} are a character or the beginning of one: 0 to 4. */
    private static int part(byte[] bytes, int at, int length) {
        int lead = bytes[at] & 0xFF;
        int width = width(lead);
        if (width < 2 || at + 1 == length || !validSecond(lead, bytes[at + 1] & 0xFF)) {
            return Math.min(width, 1);
        }
        int part = 2;
        while (part < width && at + part < length && isContinuation(bytes[at + part] & 0xFF)) {
            part++;
        }
        return part;
    }

    /** How many bytes a character has that begins so, or 0 if none does. */
    static int width(int lead) {
        if (lead < 0x80) {
            return 1;
        }
        return lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    }

    /** The second bytes of table 3-7 of the Unicode standard. */
    private static boolean validSecond(int lead, int second) {
        return isContinuation(second) && switch (lead) {
            case 0xE0 -> second >= 0xA0;
            case 0xED -> second <= 0x9F;
            case 0xF0 -> second >= 0x90;
            case 0xF4 -> second <= 0x8F;
            default -> true;
        };
    }

    private static boolean isContinuation(int b) {
        return b >= 0x80 && b < 0xC0;
    }
}
