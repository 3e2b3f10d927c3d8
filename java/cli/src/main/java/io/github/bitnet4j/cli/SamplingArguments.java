package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** How tokens are chosen and when a text ends. */
final class SamplingArguments {
    @Option(names = "--temp", paramLabel = "T", order = 20,
            description = "Temperature; 0: always the likeliest token (default: the model's, or 0.6).")
    private Float temperature;

    @Option(names = "--top-k", paramLabel = "K", order = 21,
            description = "Choose among the K likeliest; 0: all (default: the model's, or 40).")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", order = 22,
            description = "Choose among the likeliest that together have probability P; 1: all (default: the model's, or 0.9).")
    private Float topP;

    @Option(names = "--min-p", paramLabel = "P", order = 23,
            description = "Leave out tokens less likely than P times the likeliest (default: the model's, or 0).")
    private Float minP;

    @Option(names = "--repeat-penalty", paramLabel = "X", order = 24,
            description = "Make recent tokens less likely: their scores are divided by X (default: the model's, or 1, off).")
    private Float repeatPenalty;

    @Option(names = "--presence-penalty", paramLabel = "X", order = 25,
            description = "Subtract X from the scores of recent tokens (default: 0).")
    private float presencePenalty = SamplingOptions.DEFAULT.presencePenalty();

    @Option(names = "--frequency-penalty", paramLabel = "X", order = 26,
            description = "Subtract X from the score of a recent token for each time it occurred (default: 0).")
    private float frequencyPenalty = SamplingOptions.DEFAULT.frequencyPenalty();

    @Option(names = "--repeat-last-n", paramLabel = "N", order = 26,
            description = "How many of the latest tokens count as recent (default: the model's, or 64).")
    private Integer penaltyWindow;

    @Option(names = "--logit-bias", paramLabel = "ID=X", order = 26,
            description = "Add X to the score of a token; -Infinity bans it; may be repeated.")
    private Map<Integer, Float> logitBias = Map.of();

    @Option(names = "--seed", paramLabel = "N", order = 27, description = "The same seed gives the same text (default: random).")
    private Long seed;

    @Option(names = "--stop", paramLabel = "S", order = 28, description = "End the text before this string; may be repeated.")
    private List<String> stop = List.of();

    @Option(names = "--ignore-eos", order = 29, description = "Go on when the model ends the text.")
    private boolean ignoreEos;

    /** Finds mistakes before a model is opened. */
    void check(int tokens) {
        options(tokens, SamplingOptions.DEFAULT);
    }

    /**
     * The options of a generation of at most {@code tokens} tokens, -1 for no limit.
     *
     * @param model what the model recommends, for what is not given
     */
    GenerationOptions options(int tokens, SamplingOptions model) {
        if (tokens < -1) {
            throw new UsageException("-n " + tokens + " is no number of tokens; it must be 0 or more, or -1 for no limit");
        }
        return ModelCommand.checked(() -> GenerationOptions.tokens(tokens < 0 ? Integer.MAX_VALUE : tokens)
                .withSampling(sampling(model)).withStop(stop).withIgnoreStopIds(ignoreEos));
    }

    private SamplingOptions sampling(SamplingOptions model) {
        SamplingOptions options = new SamplingOptions(or(temperature, model.temperature()), or(topK, model.topK()),
                or(topP, model.topP()), or(minP, model.minP()), or(repeatPenalty, model.repetitionPenalty()), presencePenalty,
                frequencyPenalty, or(penaltyWindow, model.penaltyWindow()), logitBias, OptionalLong.empty());
        return seed == null ? options : options.withSeed(seed);
    }

    private static <T> T or(T given, T otherwise) {
        return given != null ? given : otherwise;
    }

    /** The settings that a model may recommend, for people. */
    static String text(SamplingOptions options) {
        StringBuilder text = new StringBuilder("temperature ").append(options.temperature());
        if (options.temperature() > 0) {
            text.append(", top-k ").append(options.topK()).append(", top-p ").append(options.topP())
                    .append(options.minP() > 0 ? ", min-p " + options.minP() : "");
        }
        return text.append(options.repetitionPenalty() != 1 ? ", repeat penalty " + options.repetitionPenalty() : "").toString();
    }

    /** The same in JSON. */
    record JsonSampling(float temperature, int topK, float topP, float minP, float repeatPenalty, int repeatLastN) {
        static JsonSampling of(SamplingOptions options) {
            return new JsonSampling(options.temperature(), options.topK(), options.topP(), options.minP(),
                    options.repetitionPenalty(), options.penaltyWindow());
        }
    }
}
