package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_trial_shape;
import io.github.bitnet4j.bindings.bn_work;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One row of the native table of kernels at work on data made for it, with the threads of the {@link Kernels} it came from. */
public final class KernelTrial implements AutoCloseable {
    /** Rows x columns, rows of activations and the share of the weights that matter; {@code bitnet.h} says what for which kernel. */
    public record Shape(long rows, long cols, long n, double density) {
        public Shape(long rows, long cols, long n) {
            this(rows, cols, n, 1);
        }

        MemorySegment in(Arena arena) {
            MemorySegment shape = bn_trial_shape.allocate(arena);
            bn_trial_shape.rows(shape, rows);
            bn_trial_shape.cols(shape, cols);
            bn_trial_shape.n(shape, n);
            bn_trial_shape.density(shape, density);
            return shape;
        }
    }

    private final Kernels kernels;
    private final MemorySegment trial;
    private final Work work;

    KernelTrial(Kernels kernels, MemorySegment trial) {
        this.kernels = kernels;
        this.trial = trial;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = bn_work.allocate(arena);
            BitNetNative.bn_trial_work(trial, out);
            work = Work.of(out);
        }
    }

    /** One pass. */
    public void run() {
        kernels.check(BitNetNative.bn_trial_run(trial));
    }

    /** The work of one pass. */
    public Work work() {
        return work;
    }

    @Override
    public void close() {
        BitNetNative.bn_trial_destroy(trial);
    }
}
