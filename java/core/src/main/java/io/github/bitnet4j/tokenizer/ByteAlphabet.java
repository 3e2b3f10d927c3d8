package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/**
 * The alphabet in which GPT-2 vocabularies spell bytes: a byte that prints is its own Latin-1 character, the 68 others are
 * U+0100 to U+0143 in order. Source: {@code bytes_to_unicode} in OpenAI's {@code encoder.py}.
 */
final class ByteAlphabet {

    private static final int END = 0x144;
    private static final short[] BYTE_OF = new short[END];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int other = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean prints = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            BYTE_OF[prints ? b : other++] = (short) b;
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
}
