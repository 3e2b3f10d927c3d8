package io.github.bitnet4j.tokenizer;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;

/**
 * The plain facts a tokenizer is made of, as GGUF stores them under {@code tokenizer.ggml.*}.
 *
 * <p>The lists may be lazy views of a file: {@link Tokenizer#of} walks each of them once, in order, and keeps nothing of them.
 *
 * @param model  {@code tokenizer.ggml.model}: {@code gpt2} is byte-level BPE
 * @param pre    {@code tokenizer.ggml.pre}: the name of the split, see {@link PreTokenizer#named}. BPE needs it; for a file that
 *               lacks it the caller decides (the published bitnet-b1.58-2B-4T means {@code llama-bpe})
 * @param tokens {@code tokenizer.ggml.tokens}: the text of id 0, 1, ... (for {@code gpt2} in the byte-to-unicode alphabet)
 * @param merges {@code tokenizer.ggml.merges}: pairs {@code "left right"}, the most important first
 * @param types  {@code tokenizer.ggml.token_type} by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
 * @param bos    {@code tokenizer.ggml.bos_token_id}, the begin of a text
 * @param eos    {@code tokenizer.ggml.eos_token_id}, the end of a text
 * @param eot    {@code tokenizer.ggml.eot_token_id}, the end of a turn
 * @param addBos {@code tokenizer.ggml.add_bos_token}: whether the model expects BOS before a text. {@code encode} adds none itself
 */
public record Vocabulary(
        String model,
        Optional<String> pre,
        List<String> tokens,
        List<String> merges,
        IntUnaryOperator types,
        OptionalInt bos,
        OptionalInt eos,
        OptionalInt eot,
        boolean addBos) {

    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;

    /** Checks that nothing is null and that the named ids exist. */
    public Vocabulary {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(pre, "pre");
        Objects.requireNonNull(merges, "merges");
        Objects.requireNonNull(types, "types");
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
        private List<String> merges = List.of();
        private IntUnaryOperator types = id -> NORMAL;
        private OptionalInt bos = OptionalInt.empty();
        private OptionalInt eos = OptionalInt.empty();
        private OptionalInt eot = OptionalInt.empty();
        private boolean addBos;

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
            if (value.length != tokens.size()) {
                throw new VocabularyException("tokenizer.ggml.token_type has " + value.length + " entries for " + tokens.size()
                        + " tokens: there must be one for each");
            }
            int[] own = value.clone();
            types = id -> own[id];
            return this;
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
         * @param value {@code tokenizer.ggml.add_bos_token}, default false
         * @return this
         */
        public Builder addBos(boolean value) {
            addBos = value;
            return this;
        }

        /**
         * @return the vocabulary
         * @throws VocabularyException if a named id is not in the vocabulary
         */
        public Vocabulary build() {
            return new Vocabulary(model, pre, tokens, merges, types, bos, eos, eot, addBos);
        }
    }
}
