package io.github.bitnet4j.bench;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.bindings.bn_product;
import io.github.bitnet4j.bindings.bn_quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
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
 * {@code bn_linear} on the shapes of 2B-4T (hidden 2560, feed-forward 6912), as Java calls it. Enough matrices are
 * read in turn that they come from memory, as in a model, and not from a cache.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LinearBenchmark {
    /** Weights that are read before a matrix comes again: more than the last-level caches of desktop processors. */
    private static final long WORKING_SET = 256L << 20;

    @Param({"auto"})
    public String isa;

    @Param({"1", "2"})
    public int threads;

    @Param({"2560x2560", "640x2560", "6912x2560", "2560x6912"})
    public String shape;

    /** Rows of activations: 1 is decode, more is prefill. */
    @Param({"1", "4", "256"})
    public int n;

    private Arena arena;
    private MemorySegment context;
    private MemorySegment activations;
    private MemorySegment[] products;
    private long rows;
    private long cols;
    private int next;

    /** What JMH divides by the time: bytes of weights and multiply-adds a second. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public long weightBytes;
        public long multiplyAdds;
    }

    @Setup
    public void setUp() {
        rows = Long.parseLong(shape.substring(0, shape.indexOf('x')));
        cols = Long.parseLong(shape.substring(shape.indexOf('x') + 1));
        arena = Arena.ofShared();
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        check(BitNetNative.bn_context_create(threads, BitNetNative.bn_isa_from_name(arena.allocateFrom(isa)), out));
        context = out.get(ValueLayout.ADDRESS, 0);
        activations = activations();
        products = new MemorySegment[(int) Math.ceilDiv(WORKING_SET, rows * cols / 4)];
        MemorySegment y = arena.allocate(n * rows * Float.BYTES, 64);
        MemorySegment codes = codes();
        for (int i = 0; i < products.length; i++) {
            products[i] = product(arena.allocate(codes.byteSize(), 64).copyFrom(codes), y);
        }
    }

    private MemorySegment activations() {
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment x = arena.allocate(n * cols * Float.BYTES, 64);
        for (long i = 0; i < n * cols; i++) {
            x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        long stride = BitNetNative.bn_quantized_stride(cols);
        MemorySegment quantized = bn_quantized.allocate(arena);
        bn_quantized.q(quantized, arena.allocate(n * stride, 64));
        bn_quantized.scale(quantized, arena.allocate(ValueLayout.JAVA_FLOAT, n));
        bn_quantized.sum(quantized, arena.allocate(ValueLayout.JAVA_INT, n));
        bn_quantized.cols(quantized, cols);
        bn_quantized.stride(quantized, stride);
        check(BitNetNative.bn_quantize(context, x, n, cols, MemorySegment.NULL, 0, quantized));
        return quantized;
    }

    /** Random codes 0 to 2, four a byte. */
    private MemorySegment codes() {
        SplittableRandom random = new SplittableRandom(2);
        MemorySegment codes = arena.allocate(rows * cols / 4, 64);
        for (long i = 0; i < codes.byteSize(); i++) {
            int b = 0;
            for (int j = 0; j < 4; j++) {
                b = b << 2 | random.nextInt(3);
            }
            codes.set(ValueLayout.JAVA_BYTE, i, (byte) b);
        }
        return codes;
    }

    private MemorySegment product(MemorySegment data, MemorySegment y) {
        MemorySegment matrix = bn_matrix.allocate(arena);
        bn_matrix.data(matrix, data);
        bn_matrix.rows(matrix, rows);
        bn_matrix.cols(matrix, cols);
        bn_matrix.type(matrix, BitNetNative.BN_TYPE_I2_S());
        bn_matrix.scale(matrix, 1);
        MemorySegment product = bn_product.allocate(arena);
        bn_product.weight(product, matrix);
        bn_product.y(product, y);
        bn_product.y_stride(product, rows);
        return product;
    }

    @Benchmark
    public void linear(Rates rates) {
        check(BitNetNative.bn_linear(context, products[next], 1, activations, n));
        next = (next + 1) % products.length;
        rates.weightBytes += rows * cols / 4;
        rates.multiplyAdds += n * rows * cols;
    }

    private static void check(int status) {
        if (status != BitNetNative.BN_OK()) {
            throw new IllegalStateException(BitNetNative.bn_status_message(status).getString(0));
        }
    }

    @TearDown
    public void tearDown() {
        BitNetNative.bn_context_destroy(context);
        arena.close();
    }
}
