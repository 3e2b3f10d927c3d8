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
    /** The same tokens in rising order, so that equal ones are side by side. */
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
            sorted = Arrays.copyOf(sorted, room);
        }
        if (size == limit) {
            forget(window[next]);
        }
        window[next] = id;
        next = next + 1 == limit ? 0 : next + 1;
        insert(id);
    }

    private void forget(int id) {
        int at = Arrays.binarySearch(sorted, 0, size, id);
        System.arraycopy(sorted, at + 1, sorted, at, size - at - 1);
        size--;
    }

    private void insert(int id) {
        int found = Arrays.binarySearch(sorted, 0, size, id);
        int at = found < 0 ? ~found : found;
        System.arraycopy(sorted, at, sorted, at + 1, size - at);
        sorted[at] = id;
        size++;
    }

    /** How many tokens the window holds once it has taken so many more. */
    int sizeAfter(int more) {
        return Math.min(size + more, limit);
    }

    /** Names each token of the window, as often as it is in it. */
    void forEach(IntConsumer consumer) {
        for (int i = 0; i < size; i++) {
            consumer.accept(window[i]);
        }
    }

    /**
     * @param ids        of the tokens that there is a logit for, in rising order; all of the window must be among them
     * @param count      how many
     * @param vocabulary tokens of the model
     */
    void apply(int[] ids, float[] logits, int count, int vocabulary) {
        if (size > 0 && sorted[size - 1] >= vocabulary) {
            throw new IllegalArgumentException(
                    "token " + sorted[size - 1] + " was accepted, but the model has " + vocabulary + " tokens");
        }
        for (int i = 0; i < size;) {
            int id = sorted[i];
            int times = 1;
            while (i + times < size && sorted[i + times] == id) {
                times++;
            }
            int at = Sampler.indexOf(id, ids, count);
            float logit = logits[at] > 0 ? logits[at] / repetition : logits[at] * repetition;
            logits[at] = logit - (times * frequency + presence);
            i += times;
        }
    }
}
