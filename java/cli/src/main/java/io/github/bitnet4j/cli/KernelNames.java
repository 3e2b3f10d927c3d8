package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.KvPrecision;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The kernels that a context runs. */
final class KernelNames {
    private static final String NONE = "none";

    private KernelNames() {}

    /** Names by operation and format, such as {@code gemv i2_s}, in the order of the native table. */
    static Map<String, String> of(Kernels kernels) {
        Map<String, String> names = new LinkedHashMap<>();
        for (Cpu.Kernel kernel : Cpu.kernels()) {
            names.putIfAbsent(kernel.operation() + " " + kernel.format(), kernels.kernel(kernel.operation(), kernel.format()));
        }
        return names;
    }

    /**
     * Those of them that a model needs: by the formats of its tensors, the head and the cache. Which of a tensor's kernels runs
     * depends on the number of rows.
     */
    static Map<String, String> used(BitNetModel model, KvPrecision cache) {
        Set<String> tensors = new HashSet<>();
        model.file().tensors().stream().filter(tensor -> tensor.rank() > 1).forEach(tensor -> tensors.add(format(tensor)));
        if (model.weightMemory().repackedBytes() > 0) {
            tensors.add("i2_s");
        }
        String table = format(model.file().requireTensor("token_embd.weight"));
        String rows = model.file().tensor("output.weight").map(KernelNames::format).orElse(table);
        boolean twoPass = model.head() == HeadMode.TWO_PASS;
        Map<String, String> names = of(model.kernels());
        names.entrySet().removeIf(entry -> {
            String[] key = entry.getKey().split(" ");
            return entry.getValue().equals(NONE) || !switch (key[0]) {
                case "embed" -> key[1].equals(table);
                case "matmul" -> key[1].equals(rows);
                case "matmul_rows" -> key[1].equals(rows) && twoPass;
                case "coarse", "bit_sum", "coarse_pack" -> twoPass;
                case "attention" -> key[1].equals(cache.name().toLowerCase(Locale.ROOT));
                case "attention_merge", "attention_finish" -> cache != KvPrecision.F32;
                case "attention_exact" -> cache == KvPrecision.F32;
                case "store_kv" -> cache == KvPrecision.F16;
                case "softmax", "peak", "verify" -> false; // the sampler has its own, and no pass bounds products or looks at weights
                case "gemv", "gemv_rows", "gemv_tables", "tables", "unpack", "unpack_tiles" -> tensors.contains(key[1]);
                default -> true; // many rows of any ternary format share their kernels, and norms and gates are in every layer
            };
        });
        return names;
    }

    private static String format(GgufTensor tensor) {
        return tensor.type().name().toLowerCase(Locale.ROOT);
    }
}
