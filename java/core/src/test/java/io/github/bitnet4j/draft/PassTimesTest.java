package io.github.bitnet4j.draft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

/** How many guesses are worth their rows. */
class PassTimesTest {

    private static float[] chances(double chance) {
        float[] chances = new float[8];
        Arrays.fill(chances, (float) chance);
        return chances;
    }

    /** Passes of 1 to 9 rows, timed. */
    private static PassTimes times(IntUnaryOperator nanos) {
        PassTimes times = new PassTimes(9);
        for (int rows = 1; rows <= 9; rows++) {
            times.passed(rows, nanos.applyAsInt(rows));
        }
        return times;
    }

    @Test
    void noneBeforeAPassWasTimed() {
        assertEquals(0, new PassTimes(9).worthwhile(chances(1), 8));
    }

    @Test
    void allWhereMemoryIsTheLimitAndNoneWhereArithmeticIs() {
        assertEquals(8, times(rows -> 1000).worthwhile(chances(0.5), 8));
        assertEquals(0, times(rows -> 1000 * rows).worthwhile(chances(0.99), 8));
    }

    /** The best k of (1 + c + ... + c^k) / (1 + 0.3 k), worked out by hand: 1 + k at 1, and at 0.7 1.31, 1.37, 1.33, ... */
    @Test
    void asManyAsMakeTheMostOfAPass() {
        PassTimes times = times(rows -> 1000 + 300 * (rows - 1));
        assertEquals(8, times.worthwhile(chances(1), 8));
        assertEquals(3, times.worthwhile(chances(1), 3));
        assertEquals(2, times.worthwhile(chances(0.7), 8));
        assertEquals(1, times.worthwhile(chances(0.4), 8));
        assertEquals(0, times.worthwhile(chances(0.2), 8));
        assertEquals(0, times.worthwhile(chances(1), 0));
    }

    /** What was never tried is, once; then it is known. */
    @Test
    void rowsThatWereNeverTried() {
        PassTimes times = new PassTimes(9);
        times.passed(1, 1000);
        assertEquals(8, times.worthwhile(chances(0.95), 8));
        times.passed(9, 9000);
        assertEquals(0, times.worthwhile(chances(0.95), 8), "the line between 1 and 9 rows");
    }

    /** A pass that was interrupted ends drafts for a while, not for ever. */
    @Test
    void oneSlowPassIsForgotten() {
        PassTimes times = times(rows -> rows == 1 ? 1000 : 20_000);
        assertEquals(0, times.worthwhile(chances(0.9), 8));
        int passes = 0;
        for (; times.worthwhile(chances(0.9), 8) == 0; passes++) {
            times.passed(1, 1000);
        }
        assertTrue(passes > 100 && passes < 3000, passes + " passes");
        for (int rows = 2; rows <= 9; rows++) {
            times.passed(rows, 1100);
        }
        assertEquals(8, times.worthwhile(chances(0.9), 8), "it was noise");
        for (; times.worthwhile(chances(0.9), 8) == 8; passes++) {
            times.passed(9, 20_000);
        }
        assertTrue(passes < 5000, passes + " passes");
    }
}
