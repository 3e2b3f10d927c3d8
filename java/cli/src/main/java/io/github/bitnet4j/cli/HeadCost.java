package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a quantised head costs: its logits beside those of the original, token by token of a text.
 */
final class HeadCost {
    /** Positions of a pass: so many rows of logits are held. */
    private static final int CHUNK = 16;

    private double errors;
    private double squares;
    private double divergence;
    private int agreements;
    private int count;

    /**
     * @param tokens        positions that were compared
     * @param relativeError root of the mean squared difference of logits over that of the logits, both without their mean,
     *                      which changes no probability
     * @param divergence    mean of the Kullback-Leibler divergence from the original's distribution, in nats a token
     * @param agreement     share of positions whose likeliest token is the same
     */
    record Result(int tokens, double relativeError, double divergence, double agreement) {}

    /** Both models over the same tokens, which differ in their heads only. */
    static Result of(BitNetModel original, BitNetModel quantized, int[] ids) {
        HeadCost cost = new HeadCost();
        try (Session exact = original.newSession(); Session other = quantized.newSession()) {
            for (int from = 0; from < ids.length; from += CHUNK) {
                int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + CHUNK));
                List<float[]> logits = new ArrayList<>();
                exact.evaluate(chunk, 0, (index, values) -> logits.add(values.clone()));
                other.evaluate(chunk, 0, (index, values) -> cost.add(logits.get(index), values));
            }
        }
        return cost.result();
    }

    /** Logits of one position, before and after. */
    void add(float[] before, float[] after) {
        double mean = mean(before);
        double shift = mean(after) - mean;
        double total = logOfSum(before);
        double totalAfter = logOfSum(after);
        for (int i = 0; i < before.length; i++) {
            double difference = after[i] - before[i] - shift;
            errors += difference * difference;
            squares += (before[i] - mean) * (before[i] - mean);
            divergence += Math.exp(before[i] - total) * (before[i] - total - (after[i] - totalAfter));
        }
        agreements += likeliest(before) == likeliest(after) ? 1 : 0;
        count++;
    }

    Result result() {
        return new Result(count, squares == 0 ? 0 : Math.sqrt(errors / squares), divergence / count, (double) agreements / count);
    }

    private static double mean(float[] x) {
        double sum = 0;
        for (float value : x) {
            sum += value;
        }
        return sum / x.length;
    }

    private static double logOfSum(float[] logits) {
        return Perplexity.negativeLogLikelihood(logits, 0) + logits[0];
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }
}
