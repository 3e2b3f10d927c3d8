package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.KernelTrial;
import io.github.bitnet4j.model.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A CPU target to write layouts for. A file for any target runs on every other with the same results, only slower.
 *
 * @param name   as {@link Cpu.Isa#name}
 * @param dense  the layout of matrices that are read as a whole, the fastest there for one row of activations
 * @param speeds multiply-adds a second of the layouts that it was chosen from; empty where nothing was measured
 */
public record Target(String name, GgmlType dense, Map<GgmlType, Double> speeds) {
    /**
     * What two bits a weight are not for one core. Measured with {@code kernel_check --bench gemv_}: with VBMI a core turns
     * base 3 into products as fast as it reads memory, with the others 0.5 to 0.9 times as fast as it does with I2_R16.
     */
    private static final Map<String, GgmlType> DENSE = Map.of("avx512vbmi", GgmlType.B3_R80, "amx", GgmlType.B3_R80);

    private static final KernelTrial.Shape SHAPE = new KernelTrial.Shape(2560, 2560, 1);
    /** Weights to read, half of them for each layout: more than most caches hold. And a small number in every format. */
    private static final long MEMORY = 256L << 20;
    private static final byte FILLER = 0x24;
    /** Passes of each layout, in turn, a matrix of the shape each: some three times round its memory. */
    private static final int PASSES = 300;

    /**
     * The target of a name, with the layout that is known to be faster on one core of such CPUs.
     *
     * @param name    {@code auto} for that of {@code kernels}
     * @throws BitNetException if there is no such target
     */
    public static Target named(String name, Kernels kernels) {
        String chosen = name.equals("auto") ? kernels.isa() : name;
        List<String> known = Cpu.isaNames();
        if (!known.contains(chosen)) {
            throw new BitNetException("there is no target '" + name + "'; known are auto, " + String.join(", ", known));
        }
        return new Target(chosen, DENSE.getOrDefault(chosen, GgmlType.I2_R16), Map.of());
    }

    /**
     * The target of {@code kernels}, with the layout that their threads together multiply by faster. Cores that unpack base 3
     * more slowly than they read two bits a weight may still be many enough to read all that memory gives: then fewer bytes win.
     */
    public static Target measured(Kernels kernels) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(MEMORY, 64).fill(FILLER);
            try (KernelTrial two = kernels.trial("gemv", "i2_r16", SHAPE, memory.asSlice(0, MEMORY / 2));
                    KernelTrial five = kernels.trial("gemv", "b3_r80", SHAPE, memory.asSlice(MEMORY / 2))) {
                double[] ofTwo = new double[PASSES];
                double[] ofFive = new double[PASSES];
                for (int pass = 0; pass < PASSES; pass++) {
                    ofTwo[pass] = speed(two);
                    ofFive[pass] = speed(five);
                }
                Map<GgmlType, Double> speeds = new EnumMap<>(Map.of(GgmlType.I2_R16, median(ofTwo), GgmlType.B3_R80, median(ofFive)));
                return new Target(kernels.isa(), fastest(speeds), Collections.unmodifiableMap(speeds));
            }
        }
    }

    /** Multiply-adds a second of one pass. */
    private static double speed(KernelTrial trial) {
        long start = System.nanoTime();
        trial.run();
        return trial.work().multiplyAdds() / ((System.nanoTime() - start) / 1e9);
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static GgmlType fastest(Map<GgmlType, Double> speeds) {
        return speeds.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    }
}
