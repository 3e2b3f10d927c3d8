package io.github.bitnet4j.sampling;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntConsumer;

/**
 * Makes the tokens of a window less likely: for a token that is in it c times, {@code l = l > 0 ? l / repetition : l * repetition},
 * then {@code l -= c * frequency + presence}. Source: llama.cpp, {@code llama_sampler_penalties_apply}.
 */
final class Penalties {

    private final float repetition;
    private final float presence;
    private final float frequency;
    private final int limit;
    /** The latest tokens, a ring once it has grown to the limit. */
    private int[] window = new int[0];
    private int[] sorted = new int[0];
    private int size;
    private int next;

    Penalties(SamplingOptions options) {
        repetition = options.repetitionPenalty();
        presence = options.presencePenalty();
        frequency = options.frequencyPenalty();
        limit = repetition == 1 && presence == 0 && frequency == 0 ? 0 : options.penaltyWindow();
    }

    void accept(int id) {
        Objects.checkIndex(id, Integer.MAX_VALUE);
        if (limit == 0) {
            return;
        }
        if (size == window.length && size < limit) {
            int room = (int) Math.min(limit, Math.max(64L, size * 2L));
            window = Arrays.copyOf(window, room);
            sorted = new int[room];
        }
        window[next] = id;
        next = next + 1 == limit ? 0 : next + 1;
        size = Math.min(size + 1, limit);
    }

    /** How many tokens the window holds. */
    int size() {
        return size;
    }

    /** Names each token of the window, as often as it is in it. */
    void forEach(IntConsumer consumer) {
        for (int i = 0; i < size; i++) {
            consumer.accept(window[i]);
        }
    }

    void apply(float[] logits) {
        System.arraycopy(window, 0, sorted, 0, size);
        Arrays.sort(sorted, 0, size);
        if (size > 0 && sorted[size - 1] >= logits.length) {
            throw new IllegalArgumentException(
                    "token " + sorted[size - 1] + " was accepted, but the model has " + logits.length + " tokens");
        }
        for (int i = 0; i < size;) {
            int id = sorted[i];
            int count = 1;
            while (i + count < size && sorted[i + count] == id) {
                count++;
            }
            float logit = logits[id];
            logit = logit > 0 ? logit / repetition : logit * repetition;
            logits[id] = logit - (count * frequency + presence);
            i += count;
        }
    }
}
