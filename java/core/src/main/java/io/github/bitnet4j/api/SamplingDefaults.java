package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.sampling.SamplingOptions;

/**
 * What a file recommends for choosing tokens: the keys {@code general.sampling.*}, named as in llama.cpp, whose converters (and
 * ours) fill them from {@code generation_config.json}. What the file does not name is as in {@link SamplingOptions#DEFAULT}.
 */
final class SamplingDefaults {
    private static final String PREFIX = "general.sampling.";

    private final GgufFile file;
    private SamplingOptions options = SamplingOptions.DEFAULT;

    private SamplingDefaults(GgufFile file) {
        this.file = file;
    }

    static SamplingOptions of(GgufFile file) {
        SamplingDefaults defaults = new SamplingDefaults(file);
        defaults.take("temp", SamplingOptions::withTemperature);
        defaults.take("top_k", (all, value) -> all.withTopK((int) Math.max(0, value))); // -1 turns it off, too
        defaults.take("top_p", SamplingOptions::withTopP);
        defaults.take("min_p", SamplingOptions::withMinP);
        defaults.take("penalty_repeat", SamplingOptions::withRepetitionPenalty);
        defaults.take("penalty_last_n", (all, value) -> all.withPenaltyWindow(value < 0 ? Integer.MAX_VALUE : (int) value));
        return defaults.options;
    }

    private interface With {
        SamplingOptions apply(SamplingOptions options, float value);
    }

    private void take(String key, With with) {
        file.metadata().number(PREFIX + key).ifPresent(value -> {
            try {
                options = with.apply(options, (float) value);
            } catch (IllegalArgumentException e) {
                throw new BitNetException(file.path() + ": " + PREFIX + key + " is wrong: " + e.getMessage(), e);
            }
        });
    }
}
