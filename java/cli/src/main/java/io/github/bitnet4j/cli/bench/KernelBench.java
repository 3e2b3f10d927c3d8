package io.github.bitnet4j.cli.bench;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.KernelShapes;
import io.github.bitnet4j.model.KernelTrial;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Work;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Times rows of the native table of kernels at the shapes of a model. */
public final class KernelBench {
    /** Weights to read: more than the caches hold. */
    private static final long MEMORY = 256L << 20;
    private static final String MEMORY_NAME = "a buffer of 256 MiB";
    /** A small number in every format. */
    private static final byte FILLER = 0x24;
    private static final int RUNS = 3;
    private static final double SECONDS = 0.03;

    private final KernelShapes shapes;
    private final List<String> words;
    private final List<Roof> roofs = new ArrayList<>();
    private final List<KernelResult> results = new ArrayList<>();
    private final List<String> leftOut = new ArrayList<>();

    /**
     * @param shapes of a model
     * @param words only kernels whose name contains one of them; none for all
     */
    public KernelBench(KernelShapes shapes, List<String> words) {
        this.shapes = shapes;
        this.words = words;
    }

    /** A kernel that was timed. */
    private record Timed(Cpu.Kernel kernel, KernelTrial.Shape shape, Work work, double seconds) {}

    /** Times the kernels of a CPU target that this CPU can run; {@code progress} hears of each kernel before it runs. */
    public void measure(String isa, int threads, Consumer<String> progress) {
        List<Cpu.Kernel> table = Cpu.kernels();
        List<Timed> timed = new ArrayList<>();
        try (Arena arena = Arena.ofShared(); Kernels kernels = new Kernels(threads, isa)) {
            MemorySegment memory = arena.allocate(MEMORY, 64).fill(FILLER);
            double bandwidth = kernels.readBandwidth(memory);
            for (int row = 0; row < table.size(); row++) {
                if (table.get(row).isa().equals(isa) && wanted(table.get(row).name())) {
                    progress.accept(table.get(row).name());
                    bandwidth = Math.max(bandwidth, kernels.readBandwidth(memory));
                    measure(kernels, row, table.get(row), memory, timed);
                }
            }
            Roof roof = new Roof(isa, threads, MEMORY_NAME, Math.max(bandwidth, kernels.readBandwidth(memory)), Roof.peakOf(kernels));
            roofs.add(roof);
            timed.forEach(one -> results.add(result(one, roof)));
        }
    }

    private boolean wanted(String name) {
        return words.isEmpty() || words.stream().anyMatch(name::contains);
    }

    private void measure(Kernels kernels, int row, Cpu.Kernel kernel, MemorySegment memory, List<Timed> timed) {
        for (KernelTrial.Shape shape : shapes.of(kernel)) {
            try (KernelTrial trial = kernels.trial(row, shape, memory)) {
                timed.add(new Timed(kernel, shape, trial.work(), Seconds.shortest(RUNS, SECONDS, trial::run)));
            } catch (BitNetException e) {
                leftOut.add(e.getMessage());
            }
        }
    }

    private static KernelResult result(Timed timed, Roof roof) {
        Cpu.Kernel kernel = timed.kernel();
        KernelTrial.Shape shape = timed.shape();
        Work work = timed.work();
        double seconds = timed.seconds();
        double bytes = work.bytes() / seconds;
        return new KernelResult(kernel.name(), kernel.operation(), kernel.format(), kernel.isa(), shape.rows(), shape.cols(),
                shape.n(), shape.density(), roof.threads(), seconds * 1e9, work.bytes(), work.multiplyAdds(),
                work.floatMultiplyAdds(), bytes, bytes / roof.readBandwidth(),
                (work.multiplyAdds() + work.floatMultiplyAdds()) / seconds, work.multiplyAdds() / seconds / roof.peak());
    }

    /** What bounds the kernels that ran, over memory like theirs. */
    public List<Roof> roofs() {
        return List.copyOf(roofs);
    }

    public List<KernelResult> results() {
        return List.copyOf(results);
    }

    /** A sentence for each shape that a kernel could not take. */
    public List<String> leftOut() {
        return List.copyOf(leftOut);
    }
}
