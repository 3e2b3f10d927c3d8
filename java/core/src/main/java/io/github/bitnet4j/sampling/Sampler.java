package io.github.bitnet4j.sampling;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Chooses tokens for one generation: it holds the random generator and the latest tokens for the penalties. Allocates nothing
 * once the window of the penalties is full. One generation, one thread.
 *
 * <p>Against llama.cpp: the steps, their order and their formulas are the same (see {@link SamplingOptions}); the random numbers
 * are not, so a seed means other tokens there. Equal logits are ordered by id here, by chance there.
 */
public final class Sampler {

    private final SamplingOptions options;
    private final long seed;
    private final SplitMix64 random;
    private final Penalties penalties;
    private final int[] biasIds;
    private final float[] biases;
    /** The least logit that min-p leaves, relative to the largest. */
    private final float minPMargin;
    private final Nucleus nucleus = new Nucleus();
    private TopK topK = new TopK(0);
    /** By candidate: its id where top-k is off, and what it weighs in the draw. */
    private int[] everyId = new int[0];
    private float[] weights = new float[0];

    /** @param options how to choose */
    public Sampler(SamplingOptions options) {
        this.options = options;
        seed = options.seed().orElseGet(() -> new SecureRandom().nextLong());
        random = new SplitMix64(seed);
        penalties = new Penalties(options);
        biasIds = options.logitBias().keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
        biases = new float[biasIds.length];
        for (int i = 0; i < biases.length; i++) {
            biases[i] = options.logitBias().get(biasIds[i]);
        }
        minPMargin = options.minP() > 0 ? (float) StrictMath.log(options.minP()) : Float.NEGATIVE_INFINITY;
    }

    /** @return the seed in use: that of the options, or the one that was drawn because they have none */
    public long seed() {
        return seed;
    }

    /**
     * Puts a token into the window of the penalties that was not chosen here: one of the prompt.
     *
     * @param id the token
     * @throws IndexOutOfBoundsException if it is negative
     */
    public void accept(int id) {
        penalties.accept(id);
    }

    /**
     * How many of the largest logits {@link #sample} can choose from: with those, and the logits of the
     * {@linkplain #forEachAdjusted adjusted} tokens, it chooses what it would choose with all. Bias and penalties change only
     * the adjusted tokens, so of the others the largest stay the largest, and the count has room for all adjusted ones before
     * them.
     *
     * @param later after how many more tokens, which then are adjusted ones too; 0 for the next token
     * @return 0 if it needs every logit: top-k is off and the temperature is not 0
     */
    public int candidates(int later) {
        long most = options.temperature() == 0 ? 1 : options.topK();
        return most == 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, most + biasIds.length + penalties.sizeAfter(later));
    }

    /**
     * Names the tokens whose logits the next {@link #sample} changes.
     *
     * @param consumer may hear of a token more than once
     */
    public void forEachAdjusted(IntConsumer consumer) {
        for (int id : biasIds) {
            consumer.accept(id);
        }
        penalties.forEach(consumer);
    }

    /**
     * Chooses a token, and {@linkplain #accept accepts} it.
     *
     * @param logits one for every token; used as scratch memory, so that it holds other values afterwards
     * @return an index of {@code logits}
     * @throws IllegalArgumentException if a logit is NaN or positive infinity, or all are negative infinity, which means that the
     *                                  model or its weights are broken; or if a biased or accepted token does not exist
     */
    public int sample(float[] logits) {
        return sample(allIds(logits.length), logits, logits.length, logits.length);
    }

    /**
     * Chooses one of the tokens whose logits are known, as it would of all, and {@linkplain #accept accepts} it.
     *
     * @param ids        the tokens, in rising order: those of as many of the largest logits as {@link #candidates} said, all if that
     *                   was 0, and the {@linkplain #forEachAdjusted adjusted} ones
     * @param logits     theirs; used as scratch memory
     * @param count      how many
     * @param vocabulary tokens of the model
     * @return one of {@code ids}
     * @throws IllegalArgumentException as {@link #sample(float[])}, or if an adjusted token is missing
     */
    public int sample(int[] ids, float[] logits, int count, int vocabulary) {
        bias(ids, logits, count, vocabulary);
        penalties.apply(ids, logits, count, vocabulary);
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, logits[i]);
        }
        if (!Float.isFinite(max)) {
            throw broken(ids, logits, count, max);
        }
        int id = options.temperature() == 0 ? first(ids, logits, max) : draw(ids, logits, count, vocabulary, max);
        accept(id);
        return id;
    }

    private void bias(int[] ids, float[] logits, int count, int vocabulary) {
        for (int i = 0; i < biasIds.length; i++) {
            if (biasIds[i] >= vocabulary) {
                throw new IllegalArgumentException(
                        "there is a logit bias for token " + biasIds[i] + ", but the model has " + vocabulary + " tokens");
            }
            logits[indexOf(biasIds[i], ids, count)] += biases[i];
        }
    }

    /** Where a token is among some in rising order. */
    static int indexOf(int id, int[] ids, int count) {
        int at = Arrays.binarySearch(ids, 0, count, id);
        if (at < 0) {
            throw new IllegalArgumentException("the logit of token " + id + " is to be changed, but is not among the " + count + " given");
        }
        return at;
    }

    private static IllegalArgumentException broken(int[] ids, float[] logits, int count, float max) {
        if (max == Float.NEGATIVE_INFINITY) {
            return new IllegalArgumentException("there is no token to choose: each of the " + count + " logits is negative infinity");
        }
        int at = 0;
        while (logits[at] < Float.POSITIVE_INFINITY) {
            at++;
        }
        return new IllegalArgumentException("the logit of token " + ids[at] + " is " + logits[at] + ": the model or its weights are broken");
    }

    private static int first(int[] ids, float[] logits, float value) {
        int at = 0;
        while (logits[at] != value) {
            at++;
        }
        return ids[at];
    }

    private int draw(int[] ids, float[] logits, int count, int vocabulary, float max) {
        int k = options.topK() == 0 ? vocabulary : Math.min(options.topK(), vocabulary);
        if (k > count) {
            throw new IllegalArgumentException("there are " + count + " logits for a choice among the " + k + " largest");
        }
        if (k == vocabulary) {
            return draw(ids, logits, count, max);
        }
        if (topK.ids.length != k) {
            topK = new TopK(k);
        }
        topK.select(ids, logits, count);
        return draw(topK.ids, topK.logits, k, max);
    }

    private int[] allIds(int size) {
        if (everyId.length != size) {
            everyId = new int[size];
            Arrays.setAll(everyId, i -> i);
        }
        return everyId;
    }

    private int draw(int[] ids, float[] logits, int size, float max) {
        if (weights.length < size) {
            weights = new float[size];
        }
        boolean topP = options.topP() < 1;
        if (topP) {
            double all = 0;
            for (int i = 0; i < size; i++) {
                weights[i] = Exp.exp(logits[i] - max);
                all += weights[i];
            }
            nucleus.find(weights, size, options.topP() * all);
        }
        float cut = nucleus.cut();
        int equals = nucleus.equals();
        float least = max + minPMargin;
        double total = 0;
        for (int i = 0; i < size; i++) {
            boolean in = !topP || weights[i] > cut || weights[i] == cut && equals-- > 0;
            weights[i] = in && logits[i] >= least ? Exp.exp((logits[i] - max) / options.temperature()) : 0;
            total += weights[i];
        }
        double left = random.nextDouble() * total;
        int last = 0;
        for (int i = 0; i < size; i++) {
            if (weights[i] > 0) {
                last = i;
                left -= weights[i];
                if (left < 0) {
                    break;
                }
            }
        }
        return ids[last];
    }
}
