package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_work;
import java.lang.foreign.MemorySegment;

/**
 * What operations had to read and to multiply: what a benchmark divides by their time.
 *
 * @param bytes             of weights, keys and values, each once an operation; what an operation skips is not in it
 * @param multiplyAdds      of int8: ternary products and coarse passes
 * @param floatMultiplyAdds of the exact output head and of attention
 */
public record Work(long bytes, long multiplyAdds, long floatMultiplyAdds) {
    static Work of(MemorySegment work) {
        return new Work(bn_work.bytes(work), bn_work.multiply_adds(work), bn_work.float_multiply_adds(work));
    }

    /** This work without what came before. */
    public Work minus(Work before) {
        return new Work(bytes - before.bytes, multiplyAdds - before.multiplyAdds, floatMultiplyAdds - before.floatMultiplyAdds);
    }
}
