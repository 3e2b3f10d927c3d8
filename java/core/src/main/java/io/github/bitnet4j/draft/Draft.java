package io.github.bitnet4j.draft;

/**
 * Who guesses tokens, so that one pass over the weights can verify several. The text does not depend on it: a wrong guess costs
 * time and nothing else.
 */
public interface Draft {

    /** Guesses that a pass has room for, at most. */
    int LIMIT = 15;

    /** A token a pass. */
    Draft NONE = new None();

    /** Up to 8 tokens that followed the same words before. */
    Draft LOOKUP = new Lookup(8);

    /** Most tokens of a draft. */
    int most();

    /** A drafter for one text, which is empty so far. */
    Drafter newDrafter();

    /** Nothing is guessed. */
    record None() implements Draft, Drafter {
        @Override
        public int most() {
            return 0;
        }

        @Override
        public Drafter newDrafter() {
            return this;
        }

        @Override
        public void accept(int id) {}

        @Override
        public int draft(int[] guesses, float[] chances) {
            return 0;
        }
    }

    /**
     * What followed the latest tokens when they occurred before: {@link PromptLookup}.
     *
     * @param most most tokens of a draft, 1 to {@value #LIMIT}
     */
    record Lookup(int most) implements Draft {
        public Lookup {
            if (most < 1 || most > LIMIT) {
                throw new IllegalArgumentException("a draft of " + most + " tokens; it must be 1 to " + LIMIT);
            }
        }

        @Override
        public Drafter newDrafter() {
            return new PromptLookup();
        }
    }
}
