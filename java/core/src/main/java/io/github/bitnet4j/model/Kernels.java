package io.github.bitnet4j.model;

import static io.github.bitnet4j.bindings.BitNetNative.*;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_crossovers;
import io.github.bitnet4j.bindings.bn_tiles;
import io.github.bitnet4j.bindings.bn_work;
import io.github.bitnet4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * One native context: kernels chosen for a CPU target, and their threads. Each method is one operation of
 * {@code bitnet.h}, which documents shapes and formulas; a status other than success becomes an exception.
 * One operation at a time; {@link #cancel} and {@link #resume} from any thread.
 */
public final class Kernels implements AutoCloseable {
    /** Owns the context: whoever uses it after {@link #close} gets an exception. */
    private final Arena owner = Arena.ofShared();
    private final MemorySegment context;

    /**
     * @param threads 1 to 256
     * @param isa     {@code auto} or the name of a CPU target
     */
    public Kernels(int threads, String isa) {
        try (Arena arena = Arena.ofConfined()) {
            int id = bn_isa_from_name(arena.allocateFrom(isa));
            if (id < -1) {
                throw new BitNetException("there is no instruction set '" + isa + "'; known are auto, "
                        + String.join(", ", Cpu.isaNames()));
            }
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            int status = bn_context_create(threads, id, out);
            if (status == BN_ERROR_UNSUPPORTED()) {
                throw new BitNetException(Cpu.whyUnsupported(isa));
            }
            if (status != BN_OK()) {
                throw new BitNetException("cannot create " + threads + " compute threads: " + message(status));
            }
            context = out.get(ValueLayout.ADDRESS, 0).reinterpret(owner, BitNetNative::bn_context_destroy);
        }
    }

    /** Version of the native library. */
    public static String version() {
        return bn_version().getString(0);
    }

    /** Name of the CPU target in use. */
    public String isa() {
        return bn_isa_name(bn_context_isa(context)).getString(0);
    }

    public int threads() {
        return bn_context_threads(context);
    }

    /** From how many rows of activations on which way of multiplying is taken. */
    public Crossovers crossovers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = bn_crossovers.allocate(arena);
            bn_context_crossovers(context, out);
            return Crossovers.of(out);
        }
    }

    /** Between operations only. */
    public void setCrossovers(Crossovers crossovers) {
        try (Arena arena = Arena.ofConfined()) {
            check(bn_context_set_crossovers(context, crossovers.in(arena)));
        }
    }

    /** Name of the kernel that runs an operation on a format, such as {@code gemv} on {@code i2_s}. */
    public String kernel(String operation, String format) {
        int row = row(operation, format);
        return row < 0 ? "none" : Cpu.kernelName(row);
    }

    private int row(String operation, String format) {
        try (Arena arena = Arena.ofConfined()) {
            return bn_context_kernel(context, arena.allocateFrom(operation), arena.allocateFrom(format));
        }
    }

    /** Makes the running operation and all later ones throw {@link CancelledException}, until {@link #resume}. */
    void cancel() {
        bn_cancel(context);
    }

    void resume() {
        bn_resume(context);
    }

    /** Whether a matrix of this shape can have this format. */
    public static boolean fits(GgmlType format, long rows, long cols) {
        return bytes(format, rows, cols) > 0;
    }

    /** Bytes of a matrix of this shape in this format, without the scale of ternary ones; 0 when it cannot have it. */
    public static long bytes(GgmlType format, long rows, long cols) {
        return bn_matrix_bytes(format.id(), rows, cols);
    }

    /**
     * Writes I2_S weights in another ternary format, exactly.
     *
     * @param codes rows * cols / 4 bytes
     * @param to    {@link #bytes} of the format, 64-byte aligned
     * @throws BitNetException if a code is 3, which no intact file holds, or the shape does not fit the format
     */
    public void repack(MemorySegment codes, long rows, long cols, GgmlType format, MemorySegment to) {
        repack(new Matrix(codes, GgmlType.I2_S, rows, cols, Optional.empty()), format, Optional.empty(), to);
    }

    /**
     * Writes ternary weights in another format, exactly: I2_S in any, TL1, TL2, TQ1_0, TQ2_0 and I2_S in
     * other orders as I2_S. The scales within TQ1_0 and TQ2_0 are left to the caller.
     *
     * @param tiles of the result, if it is TL1 or TL2
     * @param to    its weights without the scale, 64-byte aligned
     * @throws BitNetException if a weight is none of -1, 0 and 1, or the shape does not fit the format or the tiles
     */
    public void repack(Matrix from, GgmlType format, Optional<TlTiles.Tiles> tiles, MemorySegment to) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment given = tiles.map(t -> t.fill(bn_tiles.allocate(arena))).orElse(MemorySegment.NULL);
            check(bn_repack(context, from.describe(arena, 0), format.id(), given, to));
        }
    }

    /**
     * Reads all weights of a ternary matrix that kernels multiply, about as fast as memory gives them.
     *
     * @throws BitNetException if one is none of -1, 0 and 1
     */
    void verify(Matrix matrix) {
        try (Arena arena = Arena.ofConfined()) {
            check(bn_matrix_verify(context, matrix.describe(arena, 0)));
        }
    }

    /** Throws a {@link BitNetException} that says what is possible if this {@code bn_matrix} is not. */
    void checkMatrix(MemorySegment matrix) {
        check(bn_matrix_check(context, matrix));
    }

    void embed(MemorySegment table, MemorySegment tokens, long n, float factor, MemorySegment x) {
        check(bn_embed(context, table, tokens, n, factor, x));
    }

    void rmsNorm(MemorySegment x, long n, long cols, MemorySegment weight, float epsilon, MemorySegment y, boolean accumulate) {
        check(bn_rms_norm(context, x, n, cols, weight, epsilon, y, accumulate ? 1 : 0));
    }

    void quantize(MemorySegment x, long n, long cols, MemorySegment weight, float epsilon, MemorySegment out) {
        check(bn_quantize(context, x, n, cols, weight, epsilon, out));
    }

    void gluQuantize(Architecture.Activation activation, MemorySegment gate, MemorySegment up, long stride, long n,
                     long cols, MemorySegment weight, float epsilon, MemorySegment out) {
        check(bn_glu_quantize(context, activation.ordinal(), gate, up, stride, n, cols, weight, epsilon, out));
    }

    void linear(Products products, MemorySegment x, long n) {
        check(bn_linear(context, products.segment(), products.count(), x, n));
    }

    void matmul(MemorySegment weight, MemorySegment x, long n, MemorySegment y, long yStride) {
        check(bn_matmul(context, weight, x, n, y, yStride));
    }

    /**
     * Packs an output head for its coarse pass.
     *
     * @param head {@code rows} rows of {@code cols} weights
     * @param to   as many bytes as {@link GgmlType#D31_R16} takes, 64-byte aligned
     */
    public void packHead(MemorySegment head, GgmlType type, long rows, long cols, MemorySegment to) {
        try (Arena arena = Arena.ofConfined()) {
            check(bn_coarse_pack(context, new Matrix(head, type, rows, cols, Optional.empty()).describe(arena, 1), to));
        }
    }

    void matmulTop(MemorySegment weight, MemorySegment coarse, MemorySegment top, MemorySegment x, long n, MemorySegment scratch) {
        check(bn_matmul_top(context, weight, coarse, top, x, n, scratch));
    }

    void ropeStore(MemorySegment shape, MemorySegment rows, long n, MemorySegment rope, MemorySegment q, long qStride,
                   MemorySegment k, MemorySegment v, long kvStride) {
        check(bn_rope_store(context, shape, rows, n, rope, q, qStride, k, v, kvStride));
    }

    void attention(MemorySegment shape, MemorySegment rows, long n, MemorySegment q, long qStride, MemorySegment out,
                   long outStride, MemorySegment scratch) {
        check(bn_attention(context, shape, rows, n, q, qStride, out, outStride, scratch));
    }

    void copy(MemorySegment from, MemorySegment to) {
        check(bn_copy(context, from, from.byteSize(), to));
    }

    /** Bytes a second at which all threads together read {@code data} once. */
    public double readBandwidth(MemorySegment data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_DOUBLE);
            check(bn_read_bandwidth(context, data, data.byteSize(), out));
            return out.get(ValueLayout.JAVA_DOUBLE, 0);
        }
    }

    /** The work of all operations so far; to be asked between operations. */
    public Work work() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = bn_work.allocate(arena);
            bn_context_work(context, out);
            return Work.of(out);
        }
    }

    /**
     * A trial of a kernel that this CPU can run, to be closed before these kernels.
     *
     * @param row    of {@link Cpu#kernels}
     * @param memory from which it reads, 64-byte aligned; outlives the trial
     * @throws BitNetException if the kernel cannot take the shape, or the memory does not hold one matrix
     */
    public KernelTrial trial(int row, KernelTrial.Shape shape, MemorySegment memory) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            check(bn_trial_create(context, row, shape.in(arena), memory, memory.byteSize(), out));
            return new KernelTrial(this, out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** The same for the kernel that is {@linkplain #kernel in use} for an operation and a format. */
    public KernelTrial trial(String operation, String format, KernelTrial.Shape shape, MemorySegment memory) {
        return trial(row(operation, format), shape, memory);
    }

    void check(int status) {
        if (status == BN_OK()) {
            return;
        }
        if (status == BN_CANCELLED()) {
            throw new CancelledException();
        }
        String detail = bn_context_error(context).getString(0);
        String sentence = detail.isEmpty() ? message(status) : detail;
        throw new BitNetException(status == BN_ERROR_DATA()
                ? sentence + "; the file is corrupt: fetch or convert it again" : sentence);
    }

    private static String message(int status) {
        return bn_status_message(status).getString(0);
    }

    /** Stops the threads. No operation may be running. A second call does nothing. */
    @Override
    public void close() {
        if (owner.scope().isAlive()) {
            owner.close();
        }
    }
}
