package io.github.bitnet4j.cli;

import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

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

    /** Those of the ternary products of a file: by one row each format has its own, by many all go through I2_S. */
    static Map<String, String> ofProducts(Kernels kernels, GgufFile file) {
        Set<String> formats = file.tensors().stream().map(tensor -> tensor.type().name().toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
        Map<String, String> names = of(kernels);
        names.keySet().removeIf(name -> !name.startsWith("gemm")
                && !(name.startsWith("gemv") && formats.contains(name.substring(name.indexOf(' ') + 1))));
        return names;
    }
}
