package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How a text is split into pieces before byte pairs are merged; merges never cross a piece.
 * Names are those of {@code tokenizer.ggml.pre} in llama.cpp ({@code src/llama-vocab.cpp}) and its converters.
 */
public enum PreTokenizer {
    /**
     * Llama 3: see {@link LlamaSplit}. A piece that is itself a token is taken whole ({@code ignore_merges}). Falcon3 has this
     * split in llama.cpp, and so have Falcon-H1 and Falcon-E: what bitnet.cpp calls {@code falcon_e} is the tokenizer that
     * llama.cpp calls {@code falcon-h1}, by the same hash of the same test text.
     */
    LLAMA_BPE(3, true, "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "falcon_e"),
    /** Qwen 2, 2.5 and 3: as Llama 3 with each digit alone, and nothing taken whole. */
    QWEN2(1, false, "qwen2");

    /** The published expression, but for how many digits are a piece. */
    private static final String EXPRESSION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private final int digits;
    private final boolean isLlama;
    private final List<String> names;

    PreTokenizer(int digits, boolean isLlama, String... names) {
        this.digits = digits;
        this.isLlama = isLlama;
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

    /**
     * @param expression the regular expression of a {@code Split} in {@code tokenizer.json}
     * @return the split that finds exactly its matches, if it is known
     */
    public static Optional<PreTokenizer> ofExpression(String expression) {
        return Arrays.stream(values()).filter(pre -> pre.expression().equals(expression)).findFirst();
    }

    /** @return the regular expression of this split as {@code tokenizer.json} files have it */
    public String expression() {
        return EXPRESSION.formatted(digits == 1 ? "" : "{1," + digits + "}");
    }

    /** @return the name for {@code tokenizer.ggml.pre} that most programs know */
    public String ggufName() {
        return names.getFirst();
    }

    /** Whether a piece that is itself a token is taken as it is, even if no merges lead to it. */
    boolean wholePieces() {
        return isLlama;
    }

    /** Whether models of this family expect BOS where the file does not say so. */
    boolean addsBos() {
        return isLlama;
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
        return LlamaSplit.end(text, from, to, digits);
    }

    /** @return every name that {@link #named} takes, separated by commas */
    public static String knownNames() {
        return Arrays.stream(values()).flatMap(pre -> pre.names.stream()).collect(Collectors.joining(", "));
    }
}
