package io.github.bitnet4j.cli.bench;

/**
 * A measured kernel.
 *
 * @param kernel               its function
 * @param operation            such as {@code gemv}
 * @param format               of the weights or data
 * @param isa                  CPU target
 * @param rows                 of the weights
 * @param cols                 of the weights
 * @param n                    rows of activations
 * @param density              share of the weights that mattered
 * @param threads              that computed
 * @param nanoseconds          of the shortest pass
 * @param bytes                of weights, keys and values that a pass had to read
 * @param multiplyAdds         int8 multiply-adds of a pass
 * @param floatMultiplyAdds    float multiply-adds of a pass
 * @param bytesPerSecond       that it read
 * @param bandwidthShare       share of the read bandwidth of the same memory; above 1 where the bytes come from a cache
 * @param multiplyAddsPerSecond of both kinds
 * @param peakShare            share of the peak that the int8 ones reached
 */
public record KernelResult(String kernel, String operation, String format, String isa, long rows, long cols, long n,
                           double density, int threads, double nanoseconds, long bytes, long multiplyAdds,
                           long floatMultiplyAdds, double bytesPerSecond, double bandwidthShare, double multiplyAddsPerSecond,
                           double peakShare) {

    /** {@code 2560x6912 n=1}. */
    public String shape() {
        return rows + "x" + cols + " n=" + n + (density < 1 ? " d=" + density : "");
    }
}
