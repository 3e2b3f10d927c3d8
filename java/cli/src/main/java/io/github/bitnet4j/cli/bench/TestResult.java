package io.github.bitnet4j.cli.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/**
 * A measured test.
 *
 * @param model           name of the model
 * @param file            name of its file
 * @param size            bytes of the file
 * @param params          weights in all tensors
 * @param setting         how it ran
 * @param test            llama-bench's name
 * @param prefill         whether tokens went in as one prompt
 * @param tokens          tokens of a run
 * @param depth           tokens in the context before it
 * @param tokensPerSecond mean over the runs
 * @param stddev          sample standard deviation over the runs
 * @param samples         tokens a second of each run
 * @param bytesPerToken   bytes of weights, keys and values that a token had to read, as the kernels counted them
 * @param bytesPerSecond  of them
 * @param readBandwidth   bytes a second that the same threads merely read of the same memory, in between: the median
 * @param bandwidthShare  the median over the parts of runs of the share that a part had of the readings before and after it
 * @param multiplyAddsPerSecond int8 multiply-adds a second
 * @param peakShare       share of the peak of the ISA's own multiply-add on as many threads
 * @param latency         of generated tokens; null for prompts
 * @param readTail        p99 over p50 of the times that mere readings of as many bytes as a token reads took; null for prompts, and in
 *                        files of older versions
 * @param joulesPerToken  energy of the processor; null where the system does not tell
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TestResult(String model, String file, long size, long params, Setting setting, String test, boolean prefill, int tokens,
                         int depth, double tokensPerSecond, double stddev, double[] samples, double bytesPerToken,
                         double bytesPerSecond, double readBandwidth, double bandwidthShare, double multiplyAddsPerSecond,
                         double peakShare, Latency latency, Double readTail, Double joulesPerToken) {

    /**
     * How a test ran.
     *
     * @param isa     CPU target of the kernels
     * @param threads threads that computed
     * @param batch   most tokens of a prompt in one pass
     * @param head    mode of the output head
     * @param kv      type of keys and values
     * @param load    how the weights came to where they lie
     * @param kernels that multiplied the weights
     */
    public record Setting(String isa, int threads, int batch, String head, String kv, String load, List<String> kernels) {
    }

    /** How it ran, but for the threads. */
    List<String> words() {
        return List.of(file, setting.isa(), setting.head() + " head", setting.kv() + " kv", setting.load(),
                "batch " + setting.batch());
    }
}
