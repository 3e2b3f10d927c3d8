package io.github.bitnet4j.model;

import static io.github.bitnet4j.bindings.BitNetNative.*;

import io.github.bitnet4j.bindings.bn_kernel_info;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What this CPU offers and what the native library has for it. */
public final class Cpu {
    private static final Path SYSFS = Path.of("/sys/devices/system/cpu");

    private Cpu() {}

    /** A row of the native table of kernels. */
    public record Kernel(String operation, String format, String isa, String name) {}

    /**
     * A CPU target of the library.
     *
     * @param built     whether this build of the library contains it
     * @param automatic whether it may be chosen without being named; not one whose kernels only ran on a model of it
     * @param missing   features that this CPU lacks for it
     */
    public record Isa(String name, boolean built, boolean automatic, List<String> missing) {
        public boolean supported() {
            return built && missing.isEmpty();
        }
    }

    /** Names of the features that the CPU and the operating system offer, of those that any kernel asks for. */
    public static List<String> features() {
        return names(bn_cpu_features());
    }

    /** The CPU targets from the plainest to the most capable. */
    public static List<Isa> isas() {
        long features = bn_cpu_features();
        List<Isa> isas = new ArrayList<>();
        for (int i = 0; i < BN_ISA_COUNT(); i++) {
            long required = bn_isa_required_features(i);
            boolean built = required != -1;
            isas.add(new Isa(bn_isa_name(i).getString(0), built, bn_isa_automatic(i) != 0,
                    built ? names(required & ~features) : List.of()));
        }
        return List.copyOf(isas);
    }

    public static List<String> isaNames() {
        return isas().stream().map(Isa::name).toList();
    }

    /** The whole table of kernels. */
    public static List<Kernel> kernels() {
        List<Kernel> kernels = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = bn_kernel_info.allocate(arena);
            for (int i = 0; i < bn_kernel_count(); i++) {
                bn_kernel_describe(i, info);
                kernels.add(new Kernel(bn_kernel_info.operation(info).getString(0),
                        bn_kernel_info.format(info).getString(0), bn_kernel_info.isa(info).getString(0),
                        bn_kernel_info.name(info).getString(0)));
            }
        }
        return List.copyOf(kernels);
    }

    static String kernelName(int row) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = bn_kernel_info.allocate(arena);
            bn_kernel_describe(row, info);
            return bn_kernel_info.name(info).getString(0);
        }
    }

    /** Why a context could not be made for {@code isa}, as one sentence. */
    static String whyUnsupported(String isa) {
        String asked = isa.equals("auto") ? System.getenv("BITNET_ISA") : isa;
        String supported = String.join(", ", isas().stream().filter(Isa::supported).map(Isa::name).toList());
        return isas().stream().filter(candidate -> candidate.name().equals(asked)).findFirst()
                .map(found -> found.built()
                        ? "this CPU cannot run " + asked + ": it lacks " + String.join(", ", found.missing())
                        : "this build of libbitnet has no kernels for " + asked)
                .orElse("BITNET_ISA is '" + asked + "', which is no instruction set") + "; use one of " + supported;
    }

    /**
     * Cores that do arithmetic on their own: logical CPUs less their SMT siblings, and never more than this process
     * may use. Where the system does not tell, all available processors.
     */
    public static int physicalCores() {
        int available = Runtime.getRuntime().availableProcessors();
        Set<String> cores = new HashSet<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(SYSFS, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                Path siblings = cpu.resolve("topology/thread_siblings_list");
                if (Files.isReadable(siblings)) {
                    cores.add(Files.readString(siblings));
                }
            }
        } catch (IOException e) {
            return available;
        }
        return cores.isEmpty() ? available : Math.min(cores.size(), available);
    }

    private static List<String> names(long bits) {
        List<String> names = new ArrayList<>();
        for (int bit = 0; bit < Long.SIZE; bit++) {
            MemorySegment name = bn_cpu_feature_name(bit);
            if (name.address() == 0) {
                break;
            }
            if ((bits >>> bit & 1) != 0) {
                names.add(name.getString(0));
            }
        }
        return List.copyOf(names);
    }
}
