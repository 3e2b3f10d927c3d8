package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.optimize.Calibration;
import io.github.bitnet4j.optimize.FeedForward;
import io.github.bitnet4j.optimize.LayoutPlan;
import io.github.bitnet4j.optimize.Optimizer;
import io.github.bitnet4j.optimize.Target;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever makes a model faster and is called exact gives the ids of plain C kernels on the plain file: 256 tokens, greedy,
 * by every layout, instruction set, head, place of the weights, number of threads, and with guesses.
 */
class SameIdsTest {
    private static final int TOKENS = 256;
    private static final ModelOptions PLAIN = ModelOptions.DEFAULT.withThreads(1).withIsa("scalar").withHead(HeadMode.EXACT);

    @TempDir
    private Path folder;

    private enum Model {
        BUNDLED(null),
        RELU2(b -> b.hidden(384).ffn(640).heads(6, 2, 64)),
        SPARSE(b -> b.ffn(768).gateSparsity(0.8).layers(3)),
        SILU_SUB_NORMS(b -> b.architecture("bitnet").heads(4, 4, 64).vocab(1000)),
        LLAMA(b -> b.architecture("llama").hidden(512).ffn(256).heads(4, 1, 128).tied(false));

        private final UnaryOperator<SynthSpec.Builder> shape;

        Model(UnaryOperator<SynthSpec.Builder> shape) {
            this.shape = shape;
        }

        Path write(Path folder) throws IOException {
            if (this == BUNDLED) {
                return Golden.MODEL;
            }
            Path path = folder.resolve(name() + ".gguf");
            Synth.write(shape.apply(SynthSpec.builder().seed(ordinal())).build(), path);
            return path;
        }
    }

    /** The same weights in every layout. */
    private List<Path> layouts(Path plain, FeedForward sparse) throws IOException {
        List<Path> files = new ArrayList<>(List.of(plain));
        try (GgufFile file = GgufFile.open(plain); Kernels kernels = new Kernels(2, "auto")) {
            files.add(optimized(file, "avx512vbmi", sparse, kernels));
            files.add(optimized(file, "avx2", FeedForward.DENSE, kernels));
            for (GgmlType type : List.of(GgmlType.TL1, GgmlType.TL2)) {
                Path path = folder.resolve(type + ".gguf");
                GgufConverter.write(file, path, TargetFormats.of(type), I2sOrder.BLOCKS_128, (written, total) -> {});
                files.add(path);
            }
        }
        return files;
    }

    private Path optimized(GgufFile file, String target, FeedForward mode, Kernels kernels) throws IOException {
        Path path = folder.resolve(target + ".gguf");
        Optional<Calibration> calibration = LayoutPlan.needsCalibration(file, mode)
                ? Optional.of(Calibration.measure(file, TernaryLayout.OF_THE_FILE, kernels, prompt(), (done, total) -> {})) : Optional.empty();
        LayoutPlan plan = LayoutPlan.of(file, Target.named(target, kernels), mode, calibration);
        Optimizer.write(file, TernaryLayout.OF_THE_FILE, plan, Optional.empty(), path, kernels, (written, total) -> {});
        return path;
    }

    /** Long enough for the kernels of many rows, which pack both sides. */
    private static int[] prompt() {
        return new Random(3).ints(100, 3, 250).toArray();
    }

    private static int[] ids(Path path, ModelOptions options, Draft draft) {
        try (BitNetModel model = BitNetModel.open(path, options); Session session = model.newSession()) {
            Generation generation = session.generate(prompt(), GenerationOptions.tokens(TOKENS).withIgnoreStopIds(true)
                    .withSampling(SamplingOptions.GREEDY).withDraft(draft));
            generation.text();
            return generation.ids();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyWayToRun(Model which) throws IOException {
        Path plain = which.write(folder);
        int[] expected = ids(plain, PLAIN, Draft.NONE);
        assertEquals(TOKENS, expected.length);
        boolean relu2 = which != Model.SILU_SUB_NORMS && which != Model.LLAMA;
        List<Path> files = layouts(plain, relu2 ? FeedForward.SPARSE : FeedForward.AUTO);
        assertEquals(5, files.stream().filter(Files::exists).distinct().count());
        List<String> isas = Cpu.isas().stream().filter(Cpu.Isa::supported).map(Cpu.Isa::name).toList();
        assertTrue(isas.contains("scalar"));
        for (Path file : files) {
            for (String isa : isas) {
                assertArrayEquals(expected, ids(file, PLAIN.withIsa(isa), Draft.NONE), file + ", " + isa);
                assertArrayEquals(expected, ids(file, PLAIN.withIsa(isa).withThreads(2).withHead(HeadMode.TWO_PASS),
                        Draft.LOOKUP), file + ", " + isa + ", two-pass head, guesses");
            }
            assertArrayEquals(expected, ids(file, ModelOptions.DEFAULT.withThreads(3).withBatchSize(5), Draft.NONE),
                    file + ", as it is made for");
        }
    }

    /** Pages of 2 MB hold the same weights; systems without them refuse. */
    @ParameterizedTest
    @EnumSource
    void hugePages(Model which) throws IOException {
        assumeTrue(pagesOnRequest(), "no transparent huge pages on request here");
        Path plain = which.write(folder);
        ModelOptions options = ModelOptions.DEFAULT.withThreads(2);
        assertArrayEquals(ids(plain, options, Draft.NONE), ids(plain, options.withLoad(LoadMode.HUGEPAGES), Draft.LOOKUP));
    }

    private static boolean pagesOnRequest() throws IOException {
        Path state = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
        return Files.exists(state) && !Files.readString(state).contains("[never]");
    }

    /** Eight bits of keys and values are another model, but the same one everywhere. */
    @ParameterizedTest
    @EnumSource
    void eightBitCache(Model which) throws IOException {
        Path plain = which.write(folder);
        int[] expected = ids(plain, PLAIN.withKvPrecision(KvPrecision.INT8), Draft.NONE);
        for (Cpu.Isa isa : Cpu.isas()) {
            if (isa.supported()) {
                assertArrayEquals(expected, ids(plain, ModelOptions.DEFAULT.withIsa(isa.name()).withThreads(2)
                        .withKvPrecision(KvPrecision.INT8), Draft.LOOKUP), isa.name());
            }
        }
    }
}
