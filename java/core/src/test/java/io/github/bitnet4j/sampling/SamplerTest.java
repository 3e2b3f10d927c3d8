package io.github.bitnet4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class SamplerTest {

    private static final float NONE = Float.NEGATIVE_INFINITY;
    private static final SamplingOptions PLAIN = SamplingOptions.DEFAULT.withTemperature(1).withTopK(0).withTopP(1);

    private static float[] gaussian(SplittableRandom random, int size, double spread) {
        float[] logits = new float[size];
        for (int i = 0; i < size; i++) {
            logits[i] = (float) (random.nextGaussian() * spread);
        }
        return logits;
    }

    private static int[] sample(Sampler sampler, float[] logits, int times) {
        return IntStream.range(0, times).map(i -> sampler.sample(logits.clone())).toArray();
    }

    @Test
    void greedyTakesTheLowestIdOfTheLargest() {
        Sampler sampler = new Sampler(SamplingOptions.GREEDY);
        assertEquals(1, sampler.sample(new float[] {-1, 3, 2, 3, NONE}));
        assertEquals(0, sampler.sample(new float[] {-0f, 0f}));
        assertEquals(2, sampler.sample(new float[] {NONE, NONE, -1e30f}));
    }

    @Test
    void aSeedMeansTheSameTokensOnEveryJvm() {
        float[] logits = gaussian(new SplittableRandom(1), 1000, 2);
        SamplingOptions options = SamplingOptions.DEFAULT.withSeed(42);
        int[] first = sample(new Sampler(options), logits, 100);
        assertArrayEquals(first, sample(new Sampler(options), logits, 100));
        assertNotEquals(List.of(first), List.of(sample(new Sampler(options.withSeed(43)), logits, 100)));
        // SplitMix64 of seed 42: the first outputs of Vigna's splitmix64.c
        SplitMix64 random = new SplitMix64(42);
        assertEquals(0xBDD732262FEB6E95L, random.nextLong());
        assertEquals(0x28EFE333B266F103L, random.nextLong());
        float[] ramp = new float[16];
        for (int i = 0; i < ramp.length; i++) {
            ramp[i] = i / 4f;
        }
        assertArrayEquals(RAMP_42, sample(new Sampler(PLAIN.withSeed(42)), ramp, RAMP_42.length));
    }

    /** Ids for logits i/4 of i = 0..15 with seed 42; they change only if the meaning of every seed is to change. */
    private static final int[] RAMP_42 = {14, 9, 11, 11, 4, 15, 10, 15, 11, 14, 9, 13, 13, 13, 14, 9};

    @Test
    void withoutASeedTheOneDrawnIsTold() {
        float[] logits = gaussian(new SplittableRandom(1), 1000, 2);
        Sampler sampler = new Sampler(SamplingOptions.DEFAULT);
        assertNotEquals(sampler.seed(), new Sampler(SamplingOptions.DEFAULT).seed());
        assertArrayEquals(sample(sampler, logits, 50), sample(new Sampler(SamplingOptions.DEFAULT.withSeed(sampler.seed())), logits, 50));
    }

    /** Every token that the definition leaves can come, and no other does. */
    @Test
    void everyFilterLeavesWhatItsDefinitionLeaves() {
        SplittableRandom random = new SplittableRandom(2);
        int decided = 0;
        for (int round = 0; round < 1500; round++) {
            float[] logits = gaussian(random, 1 + random.nextInt(60), 0.1 + random.nextDouble(6));
            if (random.nextInt(3) == 0) {
                coarsen(random, logits);
            }
            List<Integer> prompt = random.ints(random.nextInt(80), 0, logits.length).boxed().toList();
            SamplingOptions options = options(random, logits.length).withSeed(round);
            ReferenceSampling.Distribution expected = ReferenceSampling.of(options, logits, prompt);
            if (expected.borderline()) {
                continue;
            }
            decided++;
            for (int draw = 0; draw < 20; draw++) {
                Sampler sampler = new Sampler(options.withSeed(random.nextLong()));
                prompt.forEach(sampler::accept);
                int id = sampler.sample(logits.clone());
                assertTrue(expected.probabilities()[id] > 0, () -> id + " with " + options);
            }
        }
        assertTrue(decided > 1200);
    }

    /** Ties, and some logits that are banned. */
    private static void coarsen(SplittableRandom random, float[] logits) {
        for (int i = 0; i < logits.length; i++) {
            logits[i] = i > 0 && random.nextInt(8) == 0 ? NONE : Math.round(logits[i]);
        }
    }

    private static SamplingOptions options(SplittableRandom random, int tokens) {
        SamplingOptions options = PLAIN.withTemperature(random.nextInt(8) == 0 ? 0 : (float) random.nextDouble(0.05, 3));
        options = random.nextBoolean() ? options : options.withTopK(random.nextInt(tokens + 3));
        options = random.nextBoolean() ? options : options.withTopP((float) random.nextDouble(0.01, 1));
        options = random.nextBoolean() ? options : options.withMinP((float) random.nextDouble());
        options = random.nextBoolean() ? options : options.withRepetitionPenalty((float) random.nextDouble(0.5, 2));
        options = random.nextBoolean() ? options : options.withPresencePenalty((float) random.nextDouble(-1, 2));
        options = random.nextBoolean() ? options : options.withFrequencyPenalty((float) random.nextDouble(-1, 2));
        options = random.nextBoolean() ? options : options.withPenaltyWindow(random.nextInt(100));
        return random.nextBoolean() ? options : options.withLogitBias(Map.of(random.nextInt(tokens), (float) random.nextDouble(-5, 5)));
    }

    /** Pearson's chi-square against the exact probabilities; the bound is 5 standard deviations, after Wilson and Hilferty. */
    @Test
    void drawsFollowTheDistribution() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 40; round++) {
            float[] logits = gaussian(random, 2 + random.nextInt(20), random.nextDouble(0.1, 2));
            SamplingOptions options = options(random, logits.length).withPenaltyWindow(0).withSeed(round);
            ReferenceSampling.Distribution expected = ReferenceSampling.of(options, logits, List.of());
            if (expected.borderline()) {
                continue;
            }
            int draws = 10_000;
            int[] counts = new int[logits.length];
            for (int id : sample(new Sampler(options), logits, draws)) {
                counts[id]++;
            }
            double statistic = 0;
            int degrees = -1;
            for (int id = 0; id < counts.length; id++) {
                double mean = expected.probabilities()[id] * draws;
                if (mean == 0) {
                    assertEquals(0, counts[id]);
                } else if (mean >= 5) {
                    statistic += (counts[id] - mean) * (counts[id] - mean) / mean;
                    degrees++;
                }
            }
            double spread = 2 / (9.0 * Math.max(degrees, 1));
            double bound = Math.max(degrees, 1) * Math.pow(1 - spread + 5 * Math.sqrt(spread), 3);
            assertTrue(statistic <= bound, "chi-square " + statistic + " of " + degrees + " with " + options);
        }
    }

    @Test
    void equalLogitsAreAllCandidatesUntilTopPHasEnough() {
        float[] logits = new float[100_000];
        for (int seed = 0; seed < 20; seed++) {
            int id = new Sampler(PLAIN.withTopP(0.25f).withSeed(seed)).sample(logits.clone());
            assertTrue(id < 25_000);
            assertTrue(new Sampler(PLAIN.withTopK(3).withSeed(seed)).sample(logits.clone()) < 3);
        }
    }

    @Test
    void penaltiesSeeTheWindowOnly() {
        SamplingOptions options = SamplingOptions.GREEDY.withRepetitionPenalty(2).withPenaltyWindow(2);
        Sampler sampler = new Sampler(options);
        float[] logits = {4, 3, 2.5f, -1};
        assertArrayEquals(new int[] {0, 1, 2, 0, 1, 2}, sample(sampler, logits, 6));
        Sampler prompted = new Sampler(options);
        prompted.accept(0);
        assertArrayEquals(new int[] {1, 2, 0}, sample(prompted, logits, 3));
        float[] negative = {-1, -1.5f};
        assertArrayEquals(new int[] {0, 1}, sample(new Sampler(options), negative, 2));
    }

    @Test
    void frequencyCountsPresenceDoesNot() {
        float[] logits = {4, 3};
        assertArrayEquals(new int[] {0, 0, 0, 1}, sample(new Sampler(SamplingOptions.GREEDY.withFrequencyPenalty(0.4f)), logits, 4));
        assertArrayEquals(new int[] {0, 0, 0, 0}, sample(new Sampler(SamplingOptions.GREEDY.withPresencePenalty(0.9f)), logits, 4));
        assertArrayEquals(new int[] {0, 1, 0, 0}, sample(new Sampler(SamplingOptions.GREEDY.withPresencePenalty(1.1f)), logits, 4));
    }

    @Test
    void biasPromotesAndBans() {
        float[] logits = {1, 2, 3};
        assertEquals(0, new Sampler(SamplingOptions.GREEDY.withLogitBias(Map.of(0, 5f))).sample(logits.clone()));
        assertEquals(1, new Sampler(SamplingOptions.GREEDY.withLogitBias(Map.of(2, NONE))).sample(logits.clone()));
        Sampler outside = new Sampler(SamplingOptions.GREEDY.withLogitBias(Map.of(3, 1f)));
        assertMessage("logit bias for token 3, but the model has 3 tokens", () -> outside.sample(logits));
    }

    /** With the largest logits only, asked for some tokens ahead, and those of all adjusted tokens by then. */
    @Test
    void theCandidatesAreEnough() {
        SamplingOptions seeded = SamplingOptions.DEFAULT.withSeed(1).withTopK(2);
        for (SamplingOptions options : List.of(SamplingOptions.GREEDY.withPresencePenalty(50), seeded.withPresencePenalty(50),
                SamplingOptions.GREEDY.withPresencePenalty(50).withPenaltyWindow(3), seeded.withFrequencyPenalty(-9).withPenaltyWindow(5),
                seeded.withLogitBias(Map.of(1, 20f, 2, -20f)).withRepetitionPenalty(4))) {
            SplittableRandom random = new SplittableRandom(3);
            Sampler all = new Sampler(options.withSeed(1));
            Sampler some = new Sampler(options.withSeed(1));
            for (int pass = 0; pass < 200; pass++) {
                int ahead = random.nextInt(6);
                List<Integer> named = new ArrayList<>();
                some.forEachAdjusted(named::add);
                int[] counts = IntStream.rangeClosed(0, ahead).map(some::candidates).toArray();
                for (int count : counts) {
                    float[] logits = gaussian(random, 40, 1);
                    float least = (float) IntStream.range(0, 40).mapToDouble(i -> logits[i]).sorted().skip(Math.max(0, 40 - count)).findFirst().orElseThrow();
                    int[] ids = IntStream.range(0, 40).filter(i -> logits[i] >= least || named.contains(i)).toArray();
                    float[] few = new float[ids.length + 3]; // there may be room for more
                    for (int i = 0; i < ids.length; i++) {
                        few[i] = logits[ids[i]];
                    }
                    int id = all.sample(logits.clone());
                    assertEquals(id, some.sample(ids, few, ids.length, 40), options.toString());
                    named.add(id);
                }
            }
        }
    }

    @Test
    void brokenLogitsAreNamed() {
        for (SamplingOptions options : List.of(SamplingOptions.GREEDY, SamplingOptions.DEFAULT, PLAIN)) {
            float[] logits = new float[1000];
            logits[777] = Float.NaN;
            assertMessage("the logit of token 777 is NaN", () -> new Sampler(options).sample(logits));
            logits[777] = Float.POSITIVE_INFINITY;
            assertMessage("the logit of token 777 is Infinity", () -> new Sampler(options).sample(logits));
            assertMessage("each of the 3 logits is negative infinity", () -> new Sampler(options).sample(new float[] {NONE, NONE, NONE}));
        }
    }

    @Test
    void extremeLogitsAndTemperatures() {
        float huge = Float.MAX_VALUE;
        for (float temperature : new float[] {Float.MIN_VALUE, 1e-6f, 1, huge}) {
            for (int topK : new int[] {0, 2}) {
                Sampler sampler = new Sampler(PLAIN.withTemperature(temperature).withTopK(topK).withTopP(0.99f).withSeed(1));
                assertEquals(1, sampler.sample(new float[] {-huge, huge, NONE}));
            }
        }
    }

    @Test
    void optionsSayWhatIsAllowed() {
        SamplingOptions options = SamplingOptions.DEFAULT;
        assertMessage("temperature is -1.0: it must be 0 or more", () -> options.withTemperature(-1));
        assertMessage("temperature is NaN", () -> options.withTemperature(Float.NaN));
        assertMessage("top-k is -1", () -> options.withTopK(-1));
        assertMessage("top-p is 0.0: it must be more than 0", () -> options.withTopP(0));
        assertMessage("top-p is 1.5", () -> options.withTopP(1.5f));
        assertMessage("min-p is NaN", () -> options.withMinP(Float.NaN));
        assertMessage("repetition penalty is 0.0", () -> options.withRepetitionPenalty(0));
        assertMessage("presence penalty is Infinity", () -> options.withPresencePenalty(Float.POSITIVE_INFINITY));
        assertMessage("frequency penalty is NaN", () -> options.withFrequencyPenalty(Float.NaN));
        assertMessage("penalty window is -1", () -> options.withPenaltyWindow(-1));
        assertMessage("token of a logit bias is -5", () -> options.withLogitBias(Map.of(-5, 1f)));
        assertMessage("logit bias of token 5 is NaN", () -> options.withLogitBias(Map.of(5, Float.NaN)));
    }

    private static void assertMessage(String part, Executable action) {
        String message = assertThrows(IllegalArgumentException.class, action).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void aTokenThatDoesNotExistIsNamed() {
        Sampler sampler = new Sampler(SamplingOptions.GREEDY.withPresencePenalty(1));
        assertThrows(IndexOutOfBoundsException.class, () -> sampler.accept(-1));
        sampler.accept(3);
        assertMessage("token 3 was accepted, but the model has 3 tokens", () -> sampler.sample(new float[3]));
    }

    @Test
    void logitsThatAreMissingAreNamed() {
        int[] ids = {2, 4};
        assertMessage("token 3 is to be changed, but is not among the 2 given",
                () -> new Sampler(SamplingOptions.GREEDY.withLogitBias(Map.of(3, 1f))).sample(ids, new float[2], 2, 9));
        assertMessage("there are 2 logits for a choice among the 3 largest",
                () -> new Sampler(SamplingOptions.DEFAULT.withTopK(3)).sample(ids, new float[2], 2, 9));
        assertMessage("there are 2 logits for a choice among the 9 largest",
                () -> new Sampler(SamplingOptions.DEFAULT.withTopK(0)).sample(ids, new float[2], 2, 9));
        assertMessage("token 8, but the model has 8 tokens",
                () -> new Sampler(SamplingOptions.GREEDY.withLogitBias(Map.of(8, 1f))).sample(ids, new float[2], 2, 8));
        assertEquals(4, new Sampler(SamplingOptions.GREEDY).sample(ids, new float[] {1, 2}, 2, 9));
    }

    /** Every 64th float of the range, against double precision: the bound that {@link Exp} states. */
    @Test
    void exponential() {
        for (int bits = 0; bits < Float.floatToIntBits(87); bits += 64) {
            float x = -Float.intBitsToFloat(bits);
            double exact = Math.exp(x);
            assertTrue(Math.abs(Exp.exp(x) - exact) <= 2e-7 * exact, () -> "exp(" + x + ")");
        }
        assertEquals(1f, Exp.exp(0));
        assertEquals(0f, Exp.exp(-87.1f));
        assertEquals(0f, Exp.exp(NONE));
    }

    @Test
    void topKAgreesWithSorting() {
        SplittableRandom random = new SplittableRandom(4);
        for (int round = 0; round < 2000; round++) {
            float[] logits = gaussian(random, 1 + random.nextInt(300), 3);
            coarsen(random, logits);
            TopK top = new TopK(1 + random.nextInt(logits.length));
            int[] even = IntStream.range(0, logits.length).map(i -> 2 * i).toArray();
            top.select(even, logits, logits.length);
            List<Integer> ids = new ArrayList<>(IntStream.range(0, logits.length).boxed().toList());
            ids.sort((a, b) -> logits[a] == logits[b] ? a - b : Float.compare(logits[b], logits[a]));
            for (int i = 0; i < top.ids.length; i++) {
                assertEquals(2 * ids.get(i), top.ids[i]);
                assertEquals(logits[ids.get(i)] + 0f, top.logits[i]);
            }
        }
    }

    @Test
    void nucleusAgreesWithSorting() {
        SplittableRandom random = new SplittableRandom(5);
        for (int round = 0; round < 5_000; round++) {
            float[] weights = new float[1 + random.nextInt(60)];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = random.nextInt(4) == 0 ? 0.25f : (float) Math.exp(-random.nextDouble(30));
            }
            double total = IntStream.range(0, weights.length).mapToDouble(i -> weights[i]).sum();
            double target = random.nextDouble() * total;
            List<Float> sorted = IntStream.range(0, weights.length).mapToObj(i -> weights[i]).sorted(Comparator.reverseOrder()).toList();
            int kept = 0;
            double sum = 0;
            while (sum < target) {
                sum += sorted.get(kept++);
            }
            if (Math.abs(sum - target) < 1e-9 || Math.abs(sum - sorted.get(kept - 1) - target) < 1e-9) {
                continue;
            }
            Nucleus nucleus = new Nucleus();
            nucleus.find(weights, weights.length, target);
            float cut = sorted.get(kept - 1);
            assertEquals(cut, nucleus.cut());
            assertEquals(kept - sorted.indexOf(cut), nucleus.equals());
        }
    }
}
