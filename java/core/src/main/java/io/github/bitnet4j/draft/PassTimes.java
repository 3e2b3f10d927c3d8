package io.github.bitnet4j.draft;

/**
 * How long a forward pass takes by its rows, learnt from passes, and with that how many guesses are worth their rows. What a
 * row costs depends on the model, the kernels, the threads and the machine: next to nothing where memory is the limit,
 * as much as a pass of its own where arithmetic is.
 */
public final class PassTimes {
    /** Of a row beyond those that were tried, in passes of one row: rather little, so that it will be. */
    private static final double UNTRIED = 0.2;
    /** A pass can only take too long, so that the shortest counts, but the shortest is forgotten by this share a pass. */
    private static final double FORGETTING = 1 / 64.0;
    /** What rows add is believed less by this share in each pass of one row: a slow pass must not end all drafts. */
    private static final double DOUBT = 1 / 512.0;

    /** By rows: nanoseconds, 0 where unknown. */
    private final double[] nanos;
    /** In what {@link #nanos} says of several rows, 1 right after a pass of several. */
    private double trust = 1;

    /** For passes of 1 to {@code rows} rows. */
    public PassTimes(int rows) {
        nanos = new double[rows + 1];
    }

    /** Takes the time of a pass; one of more rows than are known here is of no interest. */
    public void passed(int rows, long time) {
        if (rows >= nanos.length) {
            return;
        }
        double remembered = nanos[rows] * (1 + FORGETTING);
        nanos[rows] = remembered == 0 ? time : Math.min(time, remembered);
        trust = rows == 1 ? trust * (1 - DOUBT) : 1;
    }

    /**
     * How many guesses make the most of a pass: with k of them it gives {@code 1 + c1 + c1 c2 + ... + c1 ... ck} tokens on average.
     *
     * @param chances of each guess to be right if those before it are
     * @param count   guesses there are
     * @return 0 to {@code count}; 0 as long as no pass of one row was timed
     */
    public int worthwhile(float[] chances, int count) {
        int best = 0;
        double right = 1;
        double tokens = 1;
        double rate = tokens / nanos[1];
        for (int k = 1; k <= count && k + 1 < nanos.length && nanos[1] > 0; k++) {
            right *= chances[k - 1];
            tokens += right;
            if (tokens / estimate(k + 1) > rate) {
                rate = tokens / estimate(k + 1);
                best = k;
            }
        }
        return best;
    }

    /** Between two numbers of rows that were tried, on the line through them; beyond the last, {@link #UNTRIED}. */
    private double estimate(int rows) {
        int below = rows;
        while (nanos[below] == 0) {
            below--;
        }
        int above = rows;
        while (above < nanos.length && nanos[above] == 0) {
            above++;
        }
        double row = above == nanos.length ? nanos[1] * UNTRIED
                : above == below ? 0 : (nanos[above] - nanos[below]) / (above - below);
        return nanos[1] + trust * (nanos[below] - nanos[1] + (rows - below) * Math.max(0, row));
    }
}
