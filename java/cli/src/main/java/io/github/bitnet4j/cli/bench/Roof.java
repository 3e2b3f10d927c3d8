package io.github.bitnet4j.cli.bench;

import io.github.bitnet4j.model.KernelTrial;
import io.github.bitnet4j.model.Kernels;
import java.lang.foreign.Arena;

/**
 * What bounds a kernel: how fast memory is read and how fast bytes in registers are multiplied.
 *
 * @param isa           CPU target
 * @param threads       threads of both measurements
 * @param memory        what was read: the weights where they lie, or a buffer
 * @param readBandwidth bytes a second
 * @param peak          int8 multiply-adds a second by the instruction that the ISA has for it
 */
public record Roof(String isa, int threads, String memory, double readBandwidth, double peak) {
    private static final int RUNS = 20;
    private static final double SECONDS = 0.2;

    /** The peak of a CPU target, the best of several runs. */
    static double peakOf(Kernels kernels) {
        try (Arena arena = Arena.ofShared();
                KernelTrial trial = kernels.trial("peak", "int8", new KernelTrial.Shape(1, 1, 1), arena.allocate(64, 64))) {
            return trial.work().multiplyAdds() / Seconds.shortest(RUNS, SECONDS, trial::run);
        }
    }
}
