package io.github.bitnet4j.api;

import io.github.bitnet4j.draft.Draft;
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
 * @param draft     whether several tokens are guessed and verified by one pass; the text does not depend on it
 * @param listener  hears of the prefill's progress
 */
public record GenerationOptions(int maxTokens, SamplingOptions sampling, List<String> stop, Set<Integer> stopIds,
                                boolean ignoreStopIds, Draft draft, PrefillListener listener) {

    /** 128 tokens with the default sampling. */
    public static final GenerationOptions DEFAULT =
            new GenerationOptions(128, SamplingOptions.DEFAULT, List.of(), Set.of(), false, Draft.NONE, PrefillListener.NONE);

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
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withSampling(SamplingOptions sampling) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withStop(List<String> stop) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withStopIds(Set<Integer> stopIds) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withIgnoreStopIds(boolean ignoreStopIds) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withDraft(Draft draft) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }

    public GenerationOptions withListener(PrefillListener listener) {
        return new GenerationOptions(maxTokens, sampling, stop, stopIds, ignoreStopIds, draft, listener);
    }
}
