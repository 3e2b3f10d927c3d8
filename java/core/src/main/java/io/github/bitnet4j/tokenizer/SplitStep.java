package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * One step of a split, as {@code pre_tokenizer} of a {@code tokenizer.json} lists them. A step sees each piece that the ones before
 * it made as a text of its own. All that files name otherwise ({@code Digits}, {@code Punctuation}, ...) is one of these or several.
 */
public sealed interface SplitStep {

    /** Of metadata, in files that were converted here: an array of {@link #label labels}, for splits that have no name. */
    String KEY = "bitnet4j.tokenizer.split";

    /** What {@code tokenizer.ggml.pre} says where {@link #KEY} says more: programs that do not know it refuse the file. */
    String GGUF_NAME = "bitnet4j";

    /** A step that needs no expression. */
    enum Whole implements SplitStep {
        /** A space is put before each piece that does not begin with one: {@code add_prefix_space} of {@code ByteLevel}. */
        SPACE,
        /**
         * Each byte becomes a character of GPT-2's alphabet, so that later steps can see, and cut, single bytes: {@code ByteLevel}.
         * Every split has this step once.
         */
        BYTES;

        @Override
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What becomes of the matches of an expression, and of what lies between them. */
    enum Behavior {
        /** Each is a piece. */
        ISOLATED,
        /** Matches are dropped. */
        REMOVED,
        /** A match goes with what lies before it, unless that is a match, too. */
        MERGED_WITH_PREVIOUS,
        /** A match goes with what lies after it, unless that is a match, too. */
        MERGED_WITH_NEXT,
        /** Matches without anything between them are one piece. */
        CONTIGUOUS;

        /** Whether a stretch goes with the one before it. */
        boolean merges(boolean match, boolean afterMatch) {
            return switch (this) {
                case ISOLATED, REMOVED -> false;
                case MERGED_WITH_PREVIOUS -> match && !afterMatch;
                case MERGED_WITH_NEXT -> !match && afterMatch;
                case CONTIGUOUS -> match == afterMatch;
            };
        }

        private String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A cut at the matches of a regular expression.
     *
     * @param behavior   what becomes of them
     * @param inverted   whether what lies between matches counts as match, and matches do not
     * @param expression in Oniguruma's language, by which {@code tokenizer.json} is read
     */
    record Expression(Behavior behavior, boolean inverted, String expression) implements SplitStep {
        /** Checks that nothing is null. */
        public Expression {
            Objects.requireNonNull(behavior, "behavior");
            Objects.requireNonNull(expression, "expression");
        }

        @Override
        public String label() {
            return (inverted ? "!" : "") + behavior.label() + " " + expression;
        }

        /** Whether each match is a piece; all there is to know of an expression that matches everything. */
        boolean isolatesMatches() {
            return behavior == Behavior.ISOLATED || behavior == Behavior.REMOVED && inverted;
        }
    }

    /** @return the step as an entry of {@link #KEY} */
    String label();

    /**
     * @param label an entry of {@link #KEY}
     * @return its step
     * @throws VocabularyException if there is none
     */
    static SplitStep labelled(String label) {
        Optional<Whole> whole = Arrays.stream(Whole.values()).filter(step -> step.label().equals(label)).findFirst();
        if (whole.isPresent()) {
            return whole.get();
        }
        boolean inverted = label.startsWith("!");
        int space = label.indexOf(' ');
        String behavior = label.substring(inverted ? 1 : 0, Math.max(space, inverted ? 1 : 0));
        return Arrays.stream(Behavior.values()).filter(known -> known.label().equals(behavior)).findFirst()
                .map(known -> new Expression(known, inverted, label.substring(space + 1)))
                .orElseThrow(() -> new VocabularyException(KEY + " has a step '" + label + "', which is not known here"));
    }

    /**
     * Checks that text can be split so.
     *
     * @param steps the steps of a split
     * @throws VocabularyException if it cannot
     */
    static void check(List<SplitStep> steps) {
        PreTokenizer.of(steps);
    }
}
