package io.github.bitnet4j.tokenizer;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;

/**
 * The plain facts a tokenizer is made of, as GGUF stores them under {@code tokenizer.ggml.*}.
 *
 * <p>The lists may be lazy views of a file: {@link Tokenizer#of} walks each of them once, in order, and keeps nothing of them.
 *
 * @param model  {@code tokenizer.ggml.model}: {@code gpt2} is byte-level BPE, {@code llama} SentencePiece
 * @param pre    {@code tokenizer.ggml.pre}: the name of the split, see {@link NamedSplit}. {@code gpt2} needs it or {@code split}; for a
 *               file that lacks both the caller decides (the published bitnet-b1.58-2B-4T means {@code llama-bpe}). {@code llama} has
 *               none
 * @param split  {@link SplitStep#KEY}: the steps of a split that has no name, by their labels; empty where it has one
 * @param wholePieces {@link #WHOLE_PIECES_KEY}, for {@code gpt2}: whether a piece that is itself a token is taken as it is, even if no
 *               merges lead to it; where a file does not say so, the name of the split does
 * @param tokens {@code tokenizer.ggml.tokens}: the text of id 0, 1, ... (for {@code gpt2} in the byte-to-unicode alphabet, for
 *               {@code llama} with U+2581 for the space)
 * @param merges {@code tokenizer.ggml.merges}: pairs {@code "left right"}, the most important first
 * @param scores {@code tokenizer.ggml.scores} by id, the most important highest; {@code llama} needs them where it has no merges
 * @param types  {@code tokenizer.ggml.token_type} by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
 * @param bos    {@code tokenizer.ggml.bos_token_id}, the begin of a text
 * @param eos    {@code tokenizer.ggml.eos_token_id}, the end of a text
 * @param eot    {@code tokenizer.ggml.eot_token_id}, the end of a turn
 * @param addBos {@code tokenizer.ggml.add_bos_token}: whether the model expects BOS before a text; the kind decides where the file
 *               does not. {@code encode} adds none itself
 * @param addEos {@code tokenizer.ggml.add_eos_token}: whether it expects EOS after a text, likewise
 * @param spacePrefix {@code tokenizer.ggml.add_space_prefix} or {@link SpacePrefix#KEY}, for {@code llama}: before what a space is put
 * @param composes {@link #COMPOSES_KEY}, for {@code gpt2}: whether text is brought into normal form C first
 * @param piecesWithin {@link #PIECES_KEY}, for {@code llama}: whether user-defined tokens are pieces of a text like others, but found
 *               first, when it has its space before it and marks for spaces, as SentencePiece's own are; otherwise a text ends at them
 */
public record Vocabulary(
        String model,
        Optional<String> pre,
        List<String> split,
        Optional<Boolean> wholePieces,
        List<String> tokens,
        List<String> merges,
        Optional<IntToDoubleFunction> scores,
        IntUnaryOperator types,
        OptionalInt bos,
        OptionalInt eos,
        OptionalInt eot,
        Optional<Boolean> addBos,
        boolean addEos,
        SpacePrefix spacePrefix,
        boolean composes,
        boolean piecesWithin) {

    /** Of metadata, in files that were converted here: {@link #composes}, for which llama.cpp has no key. */
    public static final String COMPOSES_KEY = "bitnet4j.tokenizer.nfc";
    /** Likewise: {@link #piecesWithin}. */
    public static final String PIECES_KEY = "bitnet4j.tokenizer.user_defined_pieces";
    /** Of metadata, likewise: {@link #wholePieces}, which llama.cpp knows by the name of the split alone. */
    public static final String WHOLE_PIECES_KEY = "bitnet4j.tokenizer.ignore_merges";

    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int BYTE = 6;

    /** Checks that nothing is null and that the named ids exist. */
    public Vocabulary {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(pre, "pre");
        Objects.requireNonNull(split, "split");
        Objects.requireNonNull(wholePieces, "wholePieces");
        Objects.requireNonNull(merges, "merges");
        Objects.requireNonNull(scores, "scores");
        Objects.requireNonNull(types, "types");
        Objects.requireNonNull(addBos, "addBos");
        Objects.requireNonNull(spacePrefix, "spacePrefix");
        checkId("bos_token_id", bos, tokens.size());
        checkId("eos_token_id", eos, tokens.size());
        checkId("eot_token_id", eot, tokens.size());
    }

    /**
     * Starts a {@code gpt2} vocabulary of normal tokens, with no merges and no named ids.
     *
     * @param tokens the text of every id
     * @return a builder for the rest
     */
    public static Builder of(List<String> tokens) {
        return new Builder(tokens);
    }

    private static void checkId(String name, OptionalInt id, int size) {
        if (id.isPresent() && (id.getAsInt() < 0 || id.getAsInt() >= size)) {
            throw new VocabularyException(
                    "tokenizer.ggml." + name + " is " + id.getAsInt() + ", but the vocabulary has " + size + " tokens");
        }
    }

    /** Collects the optional parts of a {@link Vocabulary}. */
    public static final class Builder {
        private final List<String> tokens;
        private String model = "gpt2";
        private Optional<String> pre = Optional.empty();
        private List<String> split = List.of();
        private Optional<Boolean> wholePieces = Optional.empty();
        private List<String> merges = List.of();
        private IntUnaryOperator types = id -> NORMAL;
        private OptionalInt bos = OptionalInt.empty();
        private OptionalInt eos = OptionalInt.empty();
        private OptionalInt eot = OptionalInt.empty();
        private Optional<IntToDoubleFunction> scores = Optional.empty();
        private Optional<Boolean> addBos = Optional.empty();
        private boolean addEos;
        private SpacePrefix spacePrefix = SpacePrefix.ALWAYS;
        private boolean composes;
        private boolean piecesWithin;

        private Builder(List<String> tokens) {
            this.tokens = Objects.requireNonNull(tokens, "tokens");
        }

        /**
         * @param value {@code tokenizer.ggml.model}, default {@code gpt2}
         * @return this
         */
        public Builder model(String value) {
            model = value;
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.pre}
         * @return this
         */
        public Builder pre(String value) {
            pre = Optional.of(value);
            return this;
        }

        /**
         * @param labels {@link SplitStep#KEY}, default none
         * @return this
         */
        public Builder split(List<String> labels) {
            split = labels;
            return this;
        }

        /**
         * @param value whether pieces that are tokens are taken whole; by default the name of the split decides
         * @return this
         */
        public Builder wholePieces(boolean value) {
            wholePieces = Optional.of(value);
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.merges}
         * @return this
         */
        public Builder merges(List<String> value) {
            merges = value;
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.token_type}, one for every token
         * @return this
         * @throws VocabularyException if there is not exactly one for every token
         */
        public Builder types(int[] value) {
            checkLength("token_type", value.length);
            int[] own = value.clone();
            types = id -> own[id];
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.scores}, one for every token
         * @return this
         * @throws VocabularyException if there is not exactly one for every token
         */
        public Builder scores(float[] value) {
            checkLength("scores", value.length);
            float[] own = value.clone();
            scores = Optional.of(id -> own[id]);
            return this;
        }

        private void checkLength(String name, int length) {
            if (length != tokens.size()) {
                throw new VocabularyException("tokenizer.ggml." + name + " has " + length + " entries for " + tokens.size()
                        + " tokens: there must be one for each");
            }
        }

        /**
         * @param id {@code tokenizer.ggml.bos_token_id}
         * @return this
         */
        public Builder bos(int id) {
            bos = OptionalInt.of(id);
            return this;
        }

        /**
         * @param id {@code tokenizer.ggml.eos_token_id}
         * @return this
         */
        public Builder eos(int id) {
            eos = OptionalInt.of(id);
            return this;
        }

        /**
         * @param id {@code tokenizer.ggml.eot_token_id}
         * @return this
         */
        public Builder eot(int id) {
            eot = OptionalInt.of(id);
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.add_bos_token}; by default the kind decides
         * @return this
         */
        public Builder addBos(boolean value) {
            addBos = Optional.of(value);
            return this;
        }

        /**
         * @param value {@code tokenizer.ggml.add_eos_token}, default false
         * @return this
         */
        public Builder addEos(boolean value) {
            addEos = value;
            return this;
        }

        /**
         * @param value before what a space is put, default before each stretch of text
         * @return this
         */
        public Builder spacePrefix(SpacePrefix value) {
            spacePrefix = value;
            return this;
        }

        /**
         * @param value whether text is brought into normal form C first, default false
         * @return this
         */
        public Builder composes(boolean value) {
            composes = value;
            return this;
        }

        /**
         * @param value whether user-defined tokens are pieces of a text, as SentencePiece's own are, default false
         * @return this
         */
        public Builder piecesWithin(boolean value) {
            piecesWithin = value;
            return this;
        }

        /**
         * @return the vocabulary
         * @throws VocabularyException if a named id is not in the vocabulary
         */
        public Vocabulary build() {
            return new Vocabulary(model, pre, split, wholePieces, tokens, merges, scores, types, bos, eos, eot, addBos, addEos, spacePrefix,
                    composes, piecesWithin);
        }
    }
}
