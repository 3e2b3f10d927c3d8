package io.github.bitnet4j.tokenizer;

/** How a vocabulary writes the bytes of its tokens as text. */
enum Spelling {
    /** A character a byte, see {@link ByteAlphabet} ({@code gpt2}). */
    BYTE_ALPHABET {
        @Override
        int write(String text, int from, int to, byte[] into, int at) {
            return ByteAlphabet.decode(text, from, to, into, at);
        }
    },
    /** As it is, but that U+2581 stands for the space, which itself never occurs ({@code llama}). */
    SPACE_MARK {
        @Override
        int write(String text, int from, int to, byte[] into, int at) {
            String part = text.substring(from, to);
            if (part.indexOf(' ') >= 0) {
                return -1;
            }
            byte[] bytes = Utf8.encode(part.replace(SentencePieceTokenizer.SPACE_MARK, ' '));
            System.arraycopy(bytes, 0, into, at, bytes.length);
            return at + bytes.length;
        }
    };

    /** A character is written in at most so many bytes. */
    static final int MOST_BYTES = 3;

    /**
     * Writes the bytes that {@code text[from, to)} spells.
     *
     * @return where they end in {@code into}, or -1 if the text is not spelled so. {@code into} must have room for
     *         {@link #MOST_BYTES} times {@code to - from}
     */
    abstract int write(String text, int from, int to, byte[] into, int at);
}
