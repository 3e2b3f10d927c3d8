package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * The alphabet in which GPT-2 vocabularies spell bytes: a byte that prints is its own Latin-1 character, the 68 others are
 * U+0100 to U+0143 in order. Source: {@code bytes_to_unicode} in OpenAI's {@code encoder.py}.
 */
final class ByteAlphabet {

    private static final int END = 0x144;
    private static final short[] BYTE_OF = new short[END];
    private static final char[] CHARACTER_OF = new char[256];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int other = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean prints = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            int c = prints ? b : other++;
            BYTE_OF[c] = (short) b;
            CHARACTER_OF[b] = (char) c;
        }
    }

    private ByteAlphabet() {}

    /** @return the byte that a character spells, 0 to 255, or -1 if it spells none */
    static int toByte(char c) {
        return c < END ? BYTE_OF[c] : -1;
    }

    /**
     * Writes the bytes that {@code text[from, to)} spells.
     *
     * @return where they end in {@code into}, or -1 if a character spells none. {@code into} must have room for {@code to - from}
     */
    static int decode(String text, int from, int to, byte[] into, int at) {
        for (int i = from; i < to; i++) {
            int b = toByte(text.charAt(i));
            if (b < 0) {
                return -1;
            }
            into[at++] = (byte) b;
        }
        return at;
    }

    /**
     * Writes the characters that spell {@code bytes[from, to)}, as UTF-8.
     *
     * @return where they end in {@code into}, which must have room for twice {@code to - from}
     */
    static int spell(byte[] bytes, int from, int to, byte[] into, int at) {
        for (int i = from; i < to; i++) {
            char c = CHARACTER_OF[bytes[i] & 0xFF];
            if (c < 0x80) {
                into[at++] = (byte) c;
            } else {
                into[at++] = (byte) (0xC0 | c >>> 6);
                into[at++] = (byte) (0x80 | c & 0x3F);
            }
        }
        return at;
    }

    /** Takes {@link #spell} back. @return where the bytes end in {@code into} */
    static int unspell(byte[] utf8, int from, int to, byte[] into, int at) {
        for (int i = from; i < to; i++) {
            into[at++] = (byte) BYTE_OF[utf8[i] >= 0 ? utf8[i] : (utf8[i] & 0x1F) << 6 | utf8[++i] & 0x3F];
        }
        return at;
    }
}
