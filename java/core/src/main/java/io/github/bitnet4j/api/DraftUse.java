package io.github.bitnet4j.api;

/**
 * What drafts did for a generation, so far.
 *
 * @param passes   forward passes that ended in tokens
 * @param drafted  tokens that were guessed and verified by those
 * @param accepted how many of them the generation took
 */
public record DraftUse(long passes, long drafted, long accepted) {

    /** Tokens that a pass gave, 1 without drafts. */
    public double tokensPerPass() {
        return passes == 0 ? 0 : (double) (passes + accepted) / passes;
    }
}
