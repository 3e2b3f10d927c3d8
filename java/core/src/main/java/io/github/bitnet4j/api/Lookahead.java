package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.draft.Drafter;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.Candidates;
import io.github.bitnet4j.sampling.Sampler;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * The choice of a generation's tokens, one after the other. A pass computes the logits after the last token and those after
 * each guess at what follows; as long as the tokens that are chosen are the guessed ones, the next logits are here.
 *
 * <p>This is speculative sampling (Leviathan et al., 2023, arXiv:2211.17192) with a draft that is certain of its guess g,
 * q(g) = 1. There, g is accepted with probability min(1, p(g) / q(g)) = p(g), and replaced by a token drawn from
 * max(0, p - q), normalised, otherwise: that is p without g. Drawing x from p and going on if x = g does just that: x = g
 * with probability p(g), and given that x is another token, it is distributed as p without g. So nothing is
 * drawn that would not be drawn without guesses, in the same order; and as the logits of a row do not depend on its
 * batch, not only the distribution is the same but every token.
 */
final class Lookahead implements Session.Wish {
    private final Session session;
    private final Sampler sampler;
    private final Drafter drafter;
    private final int[] guesses;
    private final float[] chances;
    /** By row of the pass: after the last token, then after each guess. */
    private final Candidates[] wanted;
    private final IntConsumer[] add;
    private long chosen;
    private long chosenTwoPass;
    private long exactLogits;
    private long passes;
    private long drafted;
    private long accepted;

    Lookahead(Session session, Draft draft, Sampler sampler) {
        this.session = session;
        this.sampler = sampler;
        drafter = draft.newDrafter();
        int most = Math.min(draft.most(), session.mostGuesses());
        guesses = new int[most];
        chances = new float[most];
        wanted = session.rows();
        add = new IntConsumer[most + 1];
        Arrays.setAll(add, i -> id -> addTo(wanted[i], id));
    }

    /** Takes the next token of the text. */
    void accept(int id) {
        drafter.accept(id);
    }

    /**
     * Chooses the token that follows the session's last one, from the logits that the sampler needs at least.
     *
     * @param most tokens that the generation may still take, 1 or more
     */
    int choose(int most, PrefillListener listener, Cancellation cancellation) {
        if (session.hasLogits(this)) {
            accepted++;
        } else if (!session.hasEveryLogit()) {
            pass(most - 1, listener, cancellation);
        }
        Candidates there = session.takeLogits();
        int id = sample(there);
        chosen++;
        if (there.size() < session.model().info().vocabulary()) {
            chosenTwoPass++;
            exactLogits += there.size();
        }
        return id;
    }

    private int sample(Candidates there) {
        try {
            return there.every() ? sampler.sample(there.logits())
                    : sampler.sample(there.ids(), there.logits(), there.size(), session.model().info().vocabulary());
        } catch (IllegalArgumentException e) {
            throw new BitNetException(e.getMessage(), e);
        }
    }

    /** How the head found the tokens so far. */
    HeadUse headUse() {
        return new HeadUse(chosen, chosenTwoPass, exactLogits);
    }

    DraftUse use() {
        return new DraftUse(passes, drafted, accepted);
    }

    private void pass(int mostGuesses, PrefillListener listener, Cancellation cancellation) {
        int count = draft(mostGuesses);
        for (int i = 0; i <= count; i++) {
            want(i);
        }
        session.compute(this, guesses, count, listener, cancellation);
        passes++;
        drafted += count;
    }

    /** Guesses, as many as are worth their rows; a pass over a prompt has none. */
    private int draft(int most) {
        if (session.pending() > 1) {
            return 0;
        }
        int count = Math.min(drafter.draft(guesses, chances), Math.min(most, session.remaining()));
        return session.passTimes().worthwhile(chances, count);
    }

    /** What the sampler can choose from in a row: after so many guesses, all of them right. */
    private void want(int row) {
        int largest = sampler.candidates(row);
        if (largest == 0) {
            wanted[row].all();
            return;
        }
        wanted[row].largest(largest);
        sampler.forEachAdjusted(add[row]);
        for (int i = 0; i < row; i++) {
            wanted[row].add(guesses[i]);
        }
    }

    /** A token that the model does not have is the sampler's to refuse, with a sentence. */
    private void addTo(Candidates candidates, int id) {
        if (id < session.model().info().vocabulary()) {
            candidates.add(id);
        }
    }

    @Override
    public Candidates of(int row) {
        return wanted[row];
    }
}
