package io.github.bitnet4j.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * By how much RoPE's angles are divided, for contexts beyond those that a model was first trained for.
 *
 * @param linear  divides all
 * @param factors of the frequencies, {@code ropeDim / 2} of them ({@code rope_freqs.weight}: Llama 3.1 and later), if the
 *                file has them
 */
record RopeScaling(double linear, Optional<MemorySegment> factors) {
    static final RopeScaling NONE = new RopeScaling(1, Optional.empty());

    /** The divisor of frequency {@code i}. */
    double of(int i) {
        return linear * factors.map(each -> each.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i)).orElse(1f);
    }
}
