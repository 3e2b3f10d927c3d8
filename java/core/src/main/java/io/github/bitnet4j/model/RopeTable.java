package io.github.bitnet4j.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Cosines and sines of RoPE (arXiv:2104.09864) by position, computed once each and only as far as they are needed:
 * <pre>[position][ropeDim]: ropeDim / 2 cosines, then ropeDim / 2 sines, of position * theta^(-2 i / ropeDim) / scaling(i)</pre>
 * Computed in double precision with {@link StrictMath}, so that every machine has the same table.
 */
final class RopeTable {
    private final MemorySegment table;
    private final double[] frequencies;
    private int filled;

    RopeTable(ModelConfig config, double theta, RopeScaling scaling, int positions, Arena arena) {
        int half = config.ropeDim() / 2;
        frequencies = new double[half];
        for (int i = 0; i < half; i++) {
            frequencies[i] = StrictMath.pow(theta, -2.0 * i / config.ropeDim()) / scaling.of(i);
        }
        table = NativeMemory.floats((long) positions * config.ropeDim(), arena);
    }

    /** The table with at least {@code positions} rows filled. */
    MemorySegment upTo(int positions) {
        int half = frequencies.length;
        for (; filled < positions; filled++) {
            long row = 2L * half * filled;
            for (int i = 0; i < half; i++) {
                double angle = filled * frequencies[i];
                table.setAtIndex(ValueLayout.JAVA_FLOAT, row + i, (float) StrictMath.cos(angle));
                table.setAtIndex(ValueLayout.JAVA_FLOAT, row + half + i, (float) StrictMath.sin(angle));
            }
        }
        return table;
    }
}
