package io.github.bitnet4j.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
    private final int[] guesses = new int[8];
    private final float[] chances = new float[8];

    private static PromptLookup of(int... text) {
        PromptLookup lookup = new PromptLookup();
        Arrays.stream(text).forEach(lookup::accept);
        return lookup;
    }

    private int[] draft(Drafter drafter) {
        return Arrays.copyOf(guesses, drafter.draft(guesses, chances));
    }

    @Test
    void nothingWhereNothingRepeats() {
        assertArrayEquals(new int[0], draft(of()));
        assertArrayEquals(new int[0], draft(of(7)));
        assertArrayEquals(new int[0], draft(of(7, 7)));
        assertArrayEquals(new int[0], draft(of(1, 2, 3, 4, 5, 6, 2)));
    }

    @Test
    void whatFollowedTheLongestSuffix() {
        assertArrayEquals(new int[] {3, 9, 1, 2, 3, 9, 1, 2}, draft(of(1, 2, 3, 9, 1, 2)), "a loop goes on");
        assertEquals(4, draft(of(5, 1, 2, 4, 0, 6, 1, 2, 3, 0, 5, 1, 2))[0], "three tokens before two, however late");
        assertEquals(3, draft(of(1, 2, 4, 0, 1, 2, 3, 0, 6, 1, 2))[0], "of equals the latest");
        assertArrayEquals(new int[] {7, 7, 7, 7, 7, 7, 7, 7}, draft(of(7, 7, 7)));
    }

    /** The definition, word by word. */
    private static int[] reference(int[] text, int size, int count) {
        int match = -1;
        int longest = 1;
        for (int at = size - 1; at >= 2; at--) {
            int common = 0;
            while (common < Math.min(at, 16) && text[at - 1 - common] == text[size - 1 - common]) {
                common++;
            }
            if (common > longest) {
                longest = common;
                match = at;
            }
        }
        if (match < 0) {
            return new int[0];
        }
        int[] continued = Arrays.copyOf(text, size + count);
        for (int i = 0; i < count; i++) {
            continued[size + i] = continued[match + i];
        }
        return Arrays.copyOfRange(continued, size, size + count);
    }

    /** Longer than the first room, and of so many different pairs that chains are looked at to their ends. */
    @Test
    void agreesWithTheDefinition() {
        for (int seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            int[] text = new int[1200];
            for (int i = 0; i < text.length; i++) { // a copy of something now and then
                int length = 1 + random.nextInt(30);
                boolean copy = i > 50 && random.nextBoolean();
                int from = copy ? random.nextInt(i) : 0;
                for (int end = Math.min(text.length, i + length); i < end; i++) {
                    text[i] = copy ? text[from++] : random.nextInt(200);
                }
                i--;
            }
            PromptLookup lookup = new PromptLookup();
            for (int size = 1; size <= text.length; size++) {
                lookup.accept(text[size - 1]);
                assertArrayEquals(reference(text, size, 8), draft(lookup), "seed " + seed + ", " + size + " tokens");
            }
        }
    }

    /** Matches that foretell nothing are trusted less and less, those that are right more and more. */
    @Test
    void chancesAreLearnt() {
        PromptLookup noise = new PromptLookup();
        new Random(1).ints(2000, 0, 12).forEach(noise::accept);
        while (draft(noise).length == 0) {
            noise.accept(3);
        }
        assertTrue(chances[0] < 0.3, "after noise " + chances[0]);

        PromptLookup loop = new PromptLookup();
        for (int i = 0; i < 2000; i++) {
            loop.accept(i % 29);
        }
        assertEquals(8, draft(loop).length);
        assertTrue(chances[0] > 0.99, "after a loop " + chances[0]);
        for (int i = 1; i < chances.length; i++) {
            assertTrue(chances[i] > 0 && chances[i] <= 1);
        }
    }

    @Test
    void allocatesNothingOnceThereIsRoom() {
        PromptLookup lookup = of(new Random(1).ints(9000, 0, 50).toArray()); // room for 16384
        int[] more = new Random(2).ints(7000, 0, 50).toArray();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        long nothing = threads.getCurrentThreadAllocatedBytes() - before;
        before = threads.getCurrentThreadAllocatedBytes();
        for (int id : more) {
            lookup.accept(id);
            lookup.draft(guesses, chances);
        }
        assertEquals(nothing, threads.getCurrentThreadAllocatedBytes() - before);
    }
}
