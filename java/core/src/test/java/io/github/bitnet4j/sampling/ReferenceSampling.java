package io.github.bitnet4j.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The distribution that the options define, in the plainest double arithmetic: sort everything, one step after the other. */
final class ReferenceSampling {

    /** How near to the border of a filter a sum of float weights may be taken for either side. */
    static final double MARGIN = 1e-5;

    /** Probability by id; and whether some filter's border was within {@link #MARGIN} of a decision. */
    record Distribution(double[] probabilities, boolean borderline) {}

    private ReferenceSampling() {}

    static Distribution of(SamplingOptions options, float[] given, List<Integer> history) {
        float[] logits = given.clone();
        options.logitBias().forEach((id, bias) -> logits[id] += bias);
        Map<Integer, Integer> counts = new HashMap<>();
        history.subList(Math.max(0, history.size() - options.penaltyWindow()), history.size()).forEach(id -> counts.merge(id, 1, Integer::sum));
        counts.forEach((id, count) -> {
            float logit = logits[id];
            logit = logit > 0 ? logit / options.repetitionPenalty() : logit * options.repetitionPenalty();
            logits[id] = logit - (count * options.frequencyPenalty() + options.presencePenalty());
        });
        boolean borderline = false;
        List<Integer> ids = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -logits[id]).thenComparing(Comparator.naturalOrder())).toList();
        double max = logits[ids.get(0)];
        double[] probabilities = new double[logits.length];
        if (options.temperature() == 0) {
            probabilities[ids.get(0)] = 1;
            return new Distribution(probabilities, false);
        }
        if (options.topK() > 0) {
            ids = ids.subList(0, Math.min(ids.size(), options.topK()));
        }
        if (options.topP() < 1) {
            double all = ids.stream().mapToDouble(id -> Math.exp(logits[id] - max)).sum();
            double sum = 0;
            int kept = 0;
            while (kept < ids.size() && sum < options.topP()) {
                sum += Math.exp(logits[ids.get(kept++)] - max) / all;
                borderline |= Math.abs(sum - options.topP()) < MARGIN;
            }
            ids = ids.subList(0, kept);
        }
        if (options.minP() > 0) {
            for (int id : ids) {
                borderline |= Math.abs(Math.exp(logits[id] - max) / options.minP() - 1) < MARGIN;
            }
            ids = ids.stream().filter(id -> Math.exp(logits[id] - max) >= options.minP()).toList();
        }
        ids.forEach(id -> probabilities[id] = Math.exp((logits[id] - max) / options.temperature()));
        double sum = Arrays.stream(probabilities).sum();
        return new Distribution(Arrays.stream(probabilities).map(p -> p / sum).toArray(), borderline);
    }
}
