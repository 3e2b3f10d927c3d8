package io.github.bitnet4j.tokenizer;

import io.github.bitnet4j.tokenizer.SplitStep.Behavior;
import io.github.bitnet4j.tokenizer.SplitStep.Expression;
import io.github.bitnet4j.tokenizer.SplitStep.Whole;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/** Any split: one step after the other, each over all pieces of the one before. */
final class StepSplit implements PreTokenizer {

    /** Expressions that try ever longer ways through a text come to no end; the usual ones take a second for 10 MB. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final List<Step> steps;
    private final SpacePrefix spacePrefix;

    /** Pieces on their way: piece {@code i} is {@code text[bounds[2 i], bounds[2 i + 1])}. */
    private record Pieces(byte[] text, int[] bounds) {}

    private interface Step {
        Pieces apply(Pieces pieces);
    }

    /** @throws VocabularyException if a step cannot be taken here */
    StepSplit(List<SplitStep> steps) {
        this(steps, LIMIT);
    }

    /** @param limit how long a text is searched by each expression at most */
    StepSplit(List<SplitStep> steps, Duration limit) {
        int bytes = steps.indexOf(Whole.BYTES);
        if (Collections.frequency(steps, Whole.BYTES) != 1 || steps.lastIndexOf(Whole.SPACE) > bytes) {
            throw new VocabularyException("the split " + steps.stream().map(SplitStep::label).toList()
                    + " cannot be used: text must become bytes in exactly one step of it, and spaces be put before that");
        }
        spacePrefix = steps.contains(Whole.SPACE) ? SpacePrefix.WHERE_MISSING : SpacePrefix.NEVER;
        boolean spells = bytes < steps.size() - 1; // otherwise nothing would see the alphabet
        this.steps = Stream.concat(steps.stream().filter(step -> spells || step != Whole.BYTES).map(step -> step(step, limit)),
                spells ? Stream.<Step>of(pieces -> rewritten(pieces, ByteAlphabet::unspell, 1)) : Stream.<Step>empty()).toList();
    }

    private static Step step(SplitStep step, Duration limit) {
        return switch (step) {
            case Whole.SPACE -> StepSplit::spaced;
            case Whole.BYTES -> pieces -> rewritten(pieces, ByteAlphabet::spell, 2);
            case Expression(Behavior behavior, boolean inverted, String expression) -> {
                SplitExpression compiled = new SplitExpression(expression, limit);
                yield pieces -> cut(pieces, compiled, behavior, inverted);
            }
        };
    }

    @Override
    public SpacePrefix spacePrefix() {
        return spacePrefix;
    }

    @Override
    public void split(byte[] text, int from, int to, Sink into) {
        Pieces pieces = new Pieces(text, from == to ? new int[0] : new int[] {from, to});
        for (Step step : steps) {
            pieces = step.apply(pieces);
        }
        int[] bounds = pieces.bounds();
        for (int i = 0; i < bounds.length; i += 2) {
            into.piece(pieces.text(), bounds[i], bounds[i + 1]);
        }
    }

    private static Pieces cut(Pieces pieces, SplitExpression expression, Behavior behavior, boolean inverted) {
        Cuts cuts = new Cuts(behavior, pieces.bounds().length);
        SplitExpression.Search search = expression.search(pieces.text());
        for (int i = 0; i < pieces.bounds().length; i += 2) {
            int to = pieces.bounds()[i + 1];
            int at = pieces.bounds()[i];
            search.begin(at, to);
            cuts.begin();
            while (search.find()) {
                if (search.start() != at) {
                    cuts.add(at, search.start(), inverted);
                }
                cuts.add(search.start(), search.end(), !inverted);
                at = search.end();
            }
            if (at != to) {
                cuts.add(at, to, inverted);
            }
            cuts.end();
        }
        return new Pieces(pieces.text(), Arrays.copyOf(cuts.bounds, cuts.size));
    }

    /** Stretches, that match or do not, put together to the pieces of a {@link Behavior}. Matches may be empty, pieces are not. */
    private static final class Cuts {
        private final Behavior behavior;
        private int[] bounds;
        private int size;
        private int begin;
        private boolean afterMatch;

        Cuts(Behavior behavior, int size) {
            this.behavior = behavior;
            bounds = new int[4 * size + 16];
        }

        void begin() {
            begin = size;
            afterMatch = false;
        }

        void add(int from, int to, boolean match) {
            if (size > begin && behavior.merges(match, afterMatch)) {
                bounds[size - 1] = to;
            } else if (!match || behavior != Behavior.REMOVED) {
                if (size == bounds.length) {
                    bounds = Arrays.copyOf(bounds, 2 * size);
                }
                bounds[size++] = from;
                bounds[size++] = to;
            }
            afterMatch = match;
        }

        void end() {
            int kept = begin;
            for (int i = begin; i < size; i += 2) {
                if (bounds[i] < bounds[i + 1]) {
                    bounds[kept++] = bounds[i];
                    bounds[kept++] = bounds[i + 1];
                }
            }
            size = kept;
        }
    }

    private static Pieces spaced(Pieces pieces) {
        byte[] text = pieces.text();
        int[] bounds = pieces.bounds();
        byte[] spaced = new byte[length(bounds) + bounds.length / 2];
        int[] moved = new int[bounds.length];
        int at = 0;
        for (int i = 0; i < bounds.length; i += 2) {
            moved[i] = at;
            if (text[bounds[i]] != ' ') {
                spaced[at++] = ' ';
            }
            int length = bounds[i + 1] - bounds[i];
            System.arraycopy(text, bounds[i], spaced, at, length);
            at += length;
            moved[i + 1] = at;
        }
        return new Pieces(spaced, moved);
    }

    /** Writes a stretch of text in other bytes from {@code at} on, and gives where they end. */
    private interface Rewriting {
        int write(byte[] text, int from, int to, byte[] into, int at);
    }

    /** @param most bytes that one becomes */
    private static Pieces rewritten(Pieces pieces, Rewriting rewriting, int most) {
        byte[] text = new byte[most * length(pieces.bounds())];
        int[] moved = new int[pieces.bounds().length];
        int at = 0;
        for (int i = 0; i < moved.length; i += 2) {
            moved[i] = at;
            at = rewriting.write(pieces.text(), pieces.bounds()[i], pieces.bounds()[i + 1], text, at);
            moved[i + 1] = at;
        }
        return new Pieces(text, moved);
    }

    private static int length(int[] bounds) {
        int length = 0;
        for (int i = 0; i < bounds.length; i += 2) {
            length += bounds[i + 1] - bounds[i];
        }
        return length;
    }
}
