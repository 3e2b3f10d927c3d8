package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import java.util.LinkedHashMap;
import java.util.Map;

/** The kernels that a context runs. */
final class KernelNames {
    private KernelNames() {}

    /** Names by operation and format, such as {@code gemv i2_s}, in the order of the native table. */
    static Map<String, String> of(Kernels kernels) {
        Map<String, String> names = new LinkedHashMap<>();
        for (Cpu.Kernel kernel : Cpu.kernels()) {
            names.putIfAbsent(kernel.operation() + " " + kernel.format(), kernels.kernel(kernel.operation(), kernel.format()));
        }
        return names;
    }
}
