package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How a text is split into pieces before byte pairs are merged; merges never cross a piece.
 * Names are those of {@code tokenizer.ggml.pre} in llama.cpp ({@code src/llama-vocab.cpp}).
 */
public enum PreTokenizer {
    /** Llama 3: see {@link LlamaSplit}. A piece that is itself a token is taken whole ({@code ignore_merges}). */
    LLAMA_BPE(true, "llama-bpe", "llama3", "llama-v3", "falcon3");

    private final boolean wholePieces;
    private final List<String> names;

    PreTokenizer(boolean wholePieces, String... names) {
        this.wholePieces = wholePieces;
        this.names = List.of(names);
    }

    /**
     * @param name a value of {@code tokenizer.ggml.pre}
     * @return its split
     * @throws VocabularyException for a name not known here; the message lists those that are
     */
    public static PreTokenizer named(String name) {
        for (PreTokenizer pre : values()) {
            if (pre.names.contains(name)) {
                return pre;
            }
        }
        throw new VocabularyException("the pre-tokenizer '" + name + "' is not known here; known: " + knownNames());
    }

    /** Whether a piece that is itself a token is taken as it is, even if no merges lead to it. */
    boolean wholePieces() {
        return wholePieces;
    }

    /**
     * Finds the end of the piece that begins at {@code from}.
     *
     * @param text well-formed UTF-8
     * @param from where the piece begins, less than {@code to}
     * @param to   where the text ends
     * @return where the next piece begins, more than {@code from}
     */
    int end(byte[] text, int from, int to) {
        return switch (this) {
            case LLAMA_BPE -> LlamaSplit.end(text, from, to);
        };
    }

    /** @return every name that {@link #named} takes, separated by commas */
    public static String knownNames() {
        return Arrays.stream(values()).flatMap(pre -> pre.names.stream()).collect(Collectors.joining(", "));
    }
}
