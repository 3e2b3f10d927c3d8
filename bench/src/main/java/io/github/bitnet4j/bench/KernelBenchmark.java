package io.github.bitnet4j.bench;

import io.github.bitnet4j.model.KernelTrial;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Work;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One kernel of the native table at one shape, as Java calls it. Weights are read in turn from more memory than the
 * caches hold, as in a model. {@link Main} makes the cases from the table.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class KernelBenchmark {
    private static final long MEMORY = 256L << 20;
    /** A small number in every format. */
    private static final byte FILLER = 0x24;

    /** A {@link Case}; given by {@link Main}. */
    @Param("")
    public String trial;

    private Arena arena;
    private Kernels kernels;
    private KernelTrial running;

    /** What JMH divides by the time: bytes and multiply-adds a second. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public long bytes;
        public long multiplyAdds;
    }

    @Setup
    public void setUp() {
        Case one = Case.parse(trial);
        arena = Arena.ofShared();
        kernels = new Kernels(one.threads(), "auto");
        running = kernels.trial(one.row(), one.shape(), arena.allocate(MEMORY, 64).fill(FILLER));
    }

    @Benchmark
    public void pass(Rates rates) {
        running.run();
        Work work = running.work();
        rates.bytes += work.bytes();
        rates.multiplyAdds += work.multiplyAdds() + work.floatMultiplyAdds();
    }

    @TearDown
    public void tearDown() {
        running.close();
        kernels.close();
        arena.close();
    }
}
