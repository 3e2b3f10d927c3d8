package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** How tokens are chosen and when a text ends. */
final class SamplingArguments {
    @Option(names = "--temp", paramLabel = "T", order = 20, description = "Temperature; 0: always the likeliest token (default: 0.6).")
    private float temperature = SamplingOptions.DEFAULT.temperature();

    @Option(names = "--top-k", paramLabel = "K", order = 21, description = "Choose among the K likeliest; 0: all (default: 40).")
    private int topK = SamplingOptions.DEFAULT.topK();

    @Option(names = "--top-p", paramLabel = "P", order = 22,
            description = "Choose among the likeliest that together have probability P; 1: all (default: 0.9).")
    private float topP = SamplingOptions.DEFAULT.topP();

    @Option(names = "--min-p", paramLabel = "P", order = 23,
            description = "Leave out tokens less likely than P times the likeliest (default: 0).")
    private float minP = SamplingOptions.DEFAULT.minP();

    @Option(names = "--repeat-penalty", paramLabel = "X", order = 24,
            description = "Make recent tokens less likely: their scores are divided by X (default: 1, off).")
    private float repeatPenalty = SamplingOptions.DEFAULT.repetitionPenalty();

    @Option(names = "--presence-penalty", paramLabel = "X", order = 25,
            description = "Subtract X from the scores of recent tokens (default: 0).")
    private float presencePenalty = SamplingOptions.DEFAULT.presencePenalty();

    @Option(names = "--frequency-penalty", paramLabel = "X", order = 26,
            description = "Subtract X from the score of a recent token for each time it occurred (default: 0).")
    private float frequencyPenalty = SamplingOptions.DEFAULT.frequencyPenalty();

    @Option(names = "--repeat-last-n", paramLabel = "N", order = 26,
            description = "How many of the latest tokens count as recent (default: 64).")
    private int penaltyWindow = SamplingOptions.DEFAULT.penaltyWindow();

    @Option(names = "--logit-bias", paramLabel = "ID=X", order = 26,
            description = "Add X to the score of a token; -Infinity bans it; may be repeated.")
    private Map<Integer, Float> logitBias = Map.of();

    @Option(names = "--seed", paramLabel = "N", order = 27, description = "The same seed gives the same text (default: random).")
    private Long seed;

    @Option(names = "--stop", paramLabel = "S", order = 28, description = "End the text before this string; may be repeated.")
    private List<String> stop = List.of();

    @Option(names = "--ignore-eos", order = 29, description = "Go on when the model ends the text.")
    private boolean ignoreEos;

    /** The options of a generation of at most {@code tokens} tokens, -1 for no limit. */
    GenerationOptions options(int tokens) {
        if (tokens < -1) {
            throw new UsageException("-n " + tokens + " is no number of tokens; it must be 0 or more, or -1 for no limit");
        }
        return ModelCommand.checked(() -> GenerationOptions.tokens(tokens < 0 ? Integer.MAX_VALUE : tokens)
                .withSampling(sampling()).withStop(stop).withIgnoreStopIds(ignoreEos));
    }

    private SamplingOptions sampling() {
        SamplingOptions options = new SamplingOptions(temperature, topK, topP, minP, repeatPenalty, presencePenalty,
                frequencyPenalty, penaltyWindow, logitBias, OptionalLong.empty());
        return seed == null ? options : options.withSeed(seed);
    }
}
