package io.github.bitnet4j.model;

import java.util.Arrays;

/** What tests ask of the logits of one position. */
public final class Logits {
    private Logits() {}

    /** The id of the largest logit, the first of equals. */
    public static int best(double[] logits) {
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    }

    /** By how much the best logit leads. */
    public static double margin(double[] logits) {
        double[] sorted = logits.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length - 1] - sorted[sorted.length - 2];
    }

    /** -log softmax(logits)[id] */
    public static double nll(double[] logits, int id) {
        double largest = logits[best(logits)];
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum) - logits[id];
    }

    public static double[] toDoubles(float[] logits) {
        double[] doubles = new double[logits.length];
        for (int i = 0; i < doubles.length; i++) {
            doubles[i] = logits[i];
        }
        return doubles;
    }
}
