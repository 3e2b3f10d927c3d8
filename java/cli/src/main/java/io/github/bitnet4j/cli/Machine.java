package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.Cpu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The machine and the JVM, as far as Java can tell without the native library.
 *
 * @param cpu             the processor's name
 * @param physicalCores   cores without their SMT siblings
 * @param logicalCores    processors that this process may use
 * @param memoryBytes     of the machine; 0 where it is unknown
 * @param availableBytes  memory that new work can have; 0 where it is unknown
 * @param os              name and architecture of the operating system
 * @param jdk             version and vendor
 * @param jdkHome         where it is installed
 */
record Machine(String cpu, int physicalCores, int logicalCores, long memoryBytes, long availableBytes, String os,
               String jdk, String jdkHome) {

    static Machine here() {
        return new Machine(cpuName(), Cpu.physicalCores(), Runtime.getRuntime().availableProcessors(),
                memory("MemTotal"), memory("MemAvailable"),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version") + ", "
                        + System.getProperty("java.vendor"),
                System.getProperty("java.home"));
    }

    static String cpuName() {
        return field(Path.of("/proc/cpuinfo"), "model name", System.getProperty("os.arch"));
    }

    private static long memory(String name) {
        String kibibytes = field(Path.of("/proc/meminfo"), name, "0 kB");
        return Long.parseLong(kibibytes.replace("kB", "").strip()) * 1024;
    }

    /** The first value of a {@code name: value} line of a file, {@code otherwise} where there is none. */
    private static String field(Path file, String name, String otherwise) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name)).map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst().orElse(otherwise);
        } catch (IOException e) {
            return otherwise;
        }
    }

    void print(Output out) {
        String format = "%-18s %s%n";
        out.printf(format, "cpu", cpu);
        out.printf(format, "cores", physicalCores + " physical, " + logicalCores + " logical");
        out.printf(format, "memory", memoryBytes == 0 ? "unknown"
                : Units.bytes(memoryBytes) + ", " + Units.bytes(availableBytes) + " available");
        out.printf(format, "system", os);
        out.printf(format, "jdk", jdk);
        out.printf(format, "jdk home", jdkHome);
    }
}
