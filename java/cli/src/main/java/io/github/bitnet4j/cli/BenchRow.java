package io.github.bitnet4j.cli;

import java.util.Locale;

/**
 * A measured test.
 *
 * @param model           name of the model
 * @param size            bytes of the file
 * @param params          weights in all tensors
 * @param isa             kernels that ran
 * @param threads         threads that computed
 * @param test            llama-bench's name
 * @param tokensPerSecond mean over the runs
 * @param stddev          sample standard deviation over the runs
 * @param samples         tokens a second of each run
 * @param bytesPerSecond  bytes of weights, keys and values read a second
 * @param readBandwidth   bytes a second that the same threads read at most
 * @param bandwidthShare  share of it that the test reached
 */
record BenchRow(String model, long size, long params, String isa, int threads, String test, double tokensPerSecond,
                double stddev, double[] samples, double bytesPerSecond, double readBandwidth, double bandwidthShare) {

    static final String[] TITLES = {"model", ">size", ">params", "isa", ">threads", ">test", ">t/s", ">GB/s", ">of read"};

    String[] cells() {
        return new String[] {model, Units.bytes(size), Units.count(params), isa, Integer.toString(threads), test,
                String.format(Locale.ROOT, "%.2f ± %.2f", tokensPerSecond, stddev),
                String.format(Locale.ROOT, "%.2f", bytesPerSecond / 1e9),
                String.format(Locale.ROOT, "%.0f %%", 100 * bandwidthShare)};
    }

    static final String CSV_TITLES = "model,size,params,isa,threads,test,tokens_per_second,stddev,bytes_per_second,"
            + "read_bandwidth,bandwidth_share";

    String csv() {
        return String.format(Locale.ROOT, "\"%s\",%d,%d,%s,%d,%s,%.6f,%.6f,%.0f,%.0f,%.6f", model.replace("\"", "\"\""), size,
                params, isa, threads, test, tokensPerSecond, stddev, bytesPerSecond, readBandwidth, bandwidthShare);
    }
}
