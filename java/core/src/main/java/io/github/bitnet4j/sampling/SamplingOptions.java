package io.github.bitnet4j.sampling;

import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * How the next token is chosen. The steps are those of llama.cpp's default chain ({@code common/sampling.cpp}), in its order: logit
 * bias, penalties, top-k, top-p, min-p, temperature, a draw. Top-p and min-p therefore look at the distribution before temperature.
 *
 * @param temperature       logits are divided by it before the draw; 0 takes the most likely token, of equals the lowest id
 * @param topK              only the so many most likely tokens are candidates; 0 turns it off
 * @param topP              only the fewest most likely tokens whose probabilities sum to at least this are candidates; 1 turns it off
 * @param minP              only tokens at least this share as likely as the most likely one are candidates; 0 turns it off
 * @param repetitionPenalty a positive logit of a token in the window is divided by this, another multiplied; 1 turns it off
 * @param presencePenalty   subtracted once from the logit of each token in the window; 0 turns it off
 * @param frequencyPenalty  subtracted from the logit of a token once for each time it is in the window; 0 turns it off
 * @param penaltyWindow     how many of the latest tokens, of prompt and answer, the penalties look at; 0 turns them off
 * @param logitBias         added to the logits of tokens by id; negative infinity bans a token
 * @param seed              the same seed and the same logits give the same tokens on every JVM; absent: another one every time
 */
public record SamplingOptions(
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        int penaltyWindow,
        Map<Integer, Float> logitBias,
        OptionalLong seed) {

    /** Temperature 0.6, top-k 40, top-p 0.9, no min-p, no penalties (their window 64 if one is set), no bias, no seed. */
    public static final SamplingOptions DEFAULT =
            new SamplingOptions(0.6f, 40, 0.9f, 0, 1, 0, 0, 64, Map.of(), OptionalLong.empty());

    /** The most likely token every time. */
    public static final SamplingOptions GREEDY = DEFAULT.withTemperature(0);

    /**
     * Checks every value.
     *
     * @throws IllegalArgumentException with one sentence that names the option, the value and the values allowed
     */
    public SamplingOptions {
        require(temperature >= 0 && Float.isFinite(temperature), "temperature", temperature, "0 or more");
        require(topK >= 0, "top-k", topK, "0 (off) or more");
        require(topP > 0 && topP <= 1, "top-p", topP, "more than 0 and at most 1 (off)");
        require(minP >= 0 && minP <= 1, "min-p", minP, "0 (off) to 1");
        require(repetitionPenalty > 0 && Float.isFinite(repetitionPenalty), "repetition penalty", repetitionPenalty, "more than 0; 1 is off");
        require(Float.isFinite(presencePenalty), "presence penalty", presencePenalty, "a finite number; 0 is off");
        require(Float.isFinite(frequencyPenalty), "frequency penalty", frequencyPenalty, "a finite number; 0 is off");
        require(penaltyWindow >= 0, "penalty window", penaltyWindow, "0 (off) or more tokens");
        logitBias = Map.copyOf(logitBias);
        logitBias.forEach((id, bias) -> {
            require(id >= 0, "token of a logit bias", id, "0 or more");
            require(bias < Float.POSITIVE_INFINITY, "logit bias of token " + id, bias, "a number below infinity");
        });
        Objects.requireNonNull(seed, "seed");
    }

    private static void require(boolean valid, String option, Object value, String allowed) {
        if (!valid) {
            throw new IllegalArgumentException(option + " is " + value + ": it must be " + allowed);
        }
    }

    /**
     * @param value see {@link #temperature()}
     * @return a copy with this value
     */
    public SamplingOptions withTemperature(float value) {
        return new SamplingOptions(value, topK, topP, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #topK()}
     * @return a copy with this value
     */
    public SamplingOptions withTopK(int value) {
        return new SamplingOptions(temperature, value, topP, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #topP()}
     * @return a copy with this value
     */
    public SamplingOptions withTopP(float value) {
        return new SamplingOptions(temperature, topK, value, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #minP()}
     * @return a copy with this value
     */
    public SamplingOptions withMinP(float value) {
        return new SamplingOptions(temperature, topK, topP, value,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #repetitionPenalty()}
     * @return a copy with this value
     */
    public SamplingOptions withRepetitionPenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                value, presencePenalty, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #presencePenalty()}
     * @return a copy with this value
     */
    public SamplingOptions withPresencePenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                repetitionPenalty, value, frequencyPenalty, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #frequencyPenalty()}
     * @return a copy with this value
     */
    public SamplingOptions withFrequencyPenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                repetitionPenalty, presencePenalty, value, penaltyWindow, logitBias, seed);
    }

    /**
     * @param value see {@link #penaltyWindow()}
     * @return a copy with this value
     */
    public SamplingOptions withPenaltyWindow(int value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, value, logitBias, seed);
    }

    /**
     * @param value see {@link #logitBias()}
     * @return a copy with this value
     */
    public SamplingOptions withLogitBias(Map<Integer, Float> value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, value, seed);
    }

    /**
     * @param value see {@link #seed()}
     * @return a copy with this seed
     */
    public SamplingOptions withSeed(long value) {
        return new SamplingOptions(temperature, topK, topP, minP,
                repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias,
                OptionalLong.of(value));
    }
}
