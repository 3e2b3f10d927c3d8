package io.github.bitnet4j.api;

import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.List;
import java.util.Set;

/**
 * What to generate and when to end.
 *
 * @param maxTokens most tokens to generate, 0 or more
 * @param sampling  how a token is chosen
 * @param stop      strings that end the text; none may be empty
 * @param stopIds   ids that end the text besides the model's own
 * @param ignoreStopIds generate past the model's stop ids, as a benchmark does
 * @param listener  hears of the prefill's progress
 */
public record GenerationOptions(int maxTokens, SamplingOptions sampling, List<String> stop, Set<Integer> stopIds,
                                boolean ignoreStopIds, PrefillListener listener) {

    /** 128 tokens with the default sampling. */
    public static final GenerationOptions DEFAULT =
            new GenerationOptions(128, SamplingOptions.DEFAULT, List.of(), Set.of(), false, PrefillListener.NONE);

    public GenerationOptions {
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens is " + maxTokens + "; it must be 0 or more");
        }
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string is empty; it would end every text at once");
        }
        stopIds = Set.copyOf(stopIds);
    }

    /** The default with another limit. */
    public static GenerationOptions tokens(int maxTokens) {
        return DEFAULT.withMaxTokens(maxTokens);
    }

    public GenerationOptions withMaxTokens(int maxTokens) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }

    public GenerationOptions withSampling(SamplingOptions sampling) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }

    public GenerationOptions withStop(List<String> stop) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }

    public GenerationOptions withStopIds(Set<Integer> stopIds) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }

    public GenerationOptions withIgnoreStopIds(boolean ignoreStopIds) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }

    public GenerationOptions withListener(PrefillListener listener) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, listener);
    }
}
