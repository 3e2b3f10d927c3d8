package io.github.bitnet4j.optimize;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import java.util.List;
import java.util.Map;

/**
 * A CPU target to write layouts for. A file for any target runs on every other with the same results, only slower.
 *
 * @param name  as {@link Cpu.Isa#name}
 * @param dense the layout of matrices that are read as a whole, the fastest there for one row of activations
 */
public record Target(String name, GgmlType dense) {
    /**
     * What two bits a weight are not. Measured with {@code kernel_check --bench gemv_}: with VBMI a core turns base 3 into
     * products as fast as it reads memory, with the others about 0.7 times as fast as it does with I2_R16.
     */
    private static final Map<String, GgmlType> DENSE = Map.of("avx512vbmi", GgmlType.B3_R80, "amx", GgmlType.B3_R80);

    /**
     * The target of a name.
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
        return new Target(chosen, DENSE.getOrDefault(chosen, GgmlType.I2_R16));
    }
}
