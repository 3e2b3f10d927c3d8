package io.github.bitnet4j.api;

import java.time.Duration;

/**
 * Time spent by a generation, so far.
 *
 * @param promptTokens    tokens prefilled by this generation
 * @param prefill         time from the start to the first logits
 * @param generatedTokens tokens generated
 * @param decode          time spent on tokens after the first
 */
public record Timings(int promptTokens, Duration prefill, int generatedTokens, Duration decode) {

    /** Prompt tokens a second; 0 when there was no prompt. */
    public double promptTokensPerSecond() {
        return rate(promptTokens, prefill);
    }

    /** Generated tokens a second; the first token belongs to the prefill. 0 when fewer than two were generated. */
    public double generatedTokensPerSecond() {
        return rate(generatedTokens - 1, decode);
    }

    private static double rate(int tokens, Duration time) {
        return tokens <= 0 || time.isZero() ? 0 : tokens * 1e9 / time.toNanos();
    }
}
