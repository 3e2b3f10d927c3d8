package io.github.bitnet4j.cli;

/**
 * Perplexity of text under a model, as llama.cpp's {@code perplexity} computes it: exp of the mean negative
 * log-likelihood, with the standard error of that mean carried over to first order.
 */
final class Perplexity {
    private double sum;
    private double squares;
    private int count;

    /** Scores the token that followed, given the logits before it. */
    void add(float[] logits, int token) {
        double nll = negativeLogLikelihood(logits, token);
        sum += nll;
        squares += nll * nll;
        count++;
    }

    /** log(sum of exp(logits)) - logits[token], in double precision. */
    static double negativeLogLikelihood(float[] logits, int token) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit - max);
        }
        return Math.log(total) + max - logits[token];
    }

    /** Tokens scored. */
    int count() {
        return count;
    }

    /** Mean negative log-likelihood, in nats a token. */
    double mean() {
        return sum / count;
    }

    double value() {
        return Math.exp(mean());
    }

    /** Standard error of {@link #value}; 0 for fewer than two tokens. */
    double error() {
        double variance = squares / count - mean() * mean();
        return count < 2 || variance <= 0 ? 0 : Math.sqrt(variance / (count - 1)) * value();
    }
}
