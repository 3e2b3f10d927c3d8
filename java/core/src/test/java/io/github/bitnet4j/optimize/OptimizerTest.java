package io.github.bitnet4j.optimize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TqScales;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An optimised file holds the same model: the same logits to the last bit, in a batch and one by one, on every CPU target. */
class OptimizerTest {
    private static final int[] IDS = new Random(1).ints(40, 0, 512).toArray();

    @TempDir
    Path folder;
    private Path plain;
    private Path fast;

    @BeforeEach
    void writeModel() throws IOException {
        plain = folder.resolve("plain.gguf");
        fast = folder.resolve("fast.gguf");
        Synth.write(SynthSpec.builder().hidden(384).ffn(640).heads(6, 2, 64).build(), plain);
    }

    private static void optimize(Path from, Path to, String target, FeedForward mode) throws IOException {
        try (GgufFile file = GgufFile.open(from); Kernels kernels = new Kernels(2, "auto")) {
            Optional<Calibration> calibration = LayoutPlan.needsCalibration(file, mode)
                    ? Optional.of(Calibration.measure(file, TernaryLayout.OF_THE_FILE, kernels, IDS, (done, total) -> {})) : Optional.empty();
            LayoutPlan plan = LayoutPlan.of(file, Target.named(target, kernels), mode, calibration);
            Optimizer.write(file, TernaryLayout.OF_THE_FILE, plan, Optional.empty(), to, kernels, (written, total) -> {});
        }
    }

    private static void optimize(Path from, Path to) throws IOException {
        optimize(from, to, "avx512vbmi", FeedForward.SPARSE);
    }

    private static Calibration calibrate(Path path, String isa, int threads) throws IOException {
        try (GgufFile file = GgufFile.open(path); Kernels kernels = new Kernels(threads, isa)) {
            return Calibration.measure(file, TernaryLayout.OF_THE_FILE, kernels, IDS, (done, total) -> {});
        }
    }

    /** Makes all weights of a tensor zero. */
    private static void clear(Path path, String name) throws IOException {
        try (GgufFile file = GgufFile.open(path); RandomAccessFile bytes = new RandomAccessFile(path.toFile(), "rw")) {
            GgufTensor tensor = file.requireTensor(name);
            byte[] zeros = new byte[(int) tensor.elements() / 4];
            Arrays.fill(zeros, (byte) 0x55);
            bytes.seek(tensor.offset());
            bytes.write(zeros);
        }
    }

    private static List<float[]> logits(Path path, String isa) {
        List<float[]> rows = new ArrayList<>();
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withIsa(isa).withThreads(2));
             Session session = model.newSession()) {
            session.evaluate(IDS, 0, (index, logits) -> rows.add(logits.clone()));
            for (int id : IDS) {
                session.evaluate(new int[] {id}, 0, (index, logits) -> rows.add(logits.clone()));
            }
        }
        return rows;
    }

    @ParameterizedTest
    @CsvSource({"avx512vbmi, SPARSE", "avx512vbmi, DENSE", "avx2, SPARSE", "avx2, AUTO"})
    void theSameLogitsOnEveryTarget(String target, FeedForward mode) throws IOException {
        optimize(plain, fast, target, mode);
        List<float[]> expected = logits(plain, "scalar");
        for (Cpu.Isa isa : Cpu.isas()) {
            if (isa.supported()) {
                List<float[]> actual = logits(fast, isa.name());
                assertEquals(expected.size(), actual.size());
                for (int i = 0; i < expected.size(); i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), isa.name() + ", row " + i);
                }
            }
        }
    }

    private static Path converted(Path from, GgmlType type) throws IOException {
        Path to = from.resolveSibling(type + ".gguf");
        try (GgufFile file = GgufFile.open(from)) {
            GgufConverter.write(file, to, TargetFormats.of(type), I2sOrder.BLOCKS_128, (written, total) -> {});
        }
        return to;
    }

    private static void assertSameTensors(Path expected, Path actual) throws IOException {
        try (GgufFile first = GgufFile.open(expected); GgufFile second = GgufFile.open(actual)) {
            assertEquals(first.tensors().size(), second.tensors().size());
            for (GgufTensor tensor : first.tensors()) {
                GgufTensor other = second.requireTensor(tensor.name());
                assertEquals(tensor.type(), other.type(), tensor.name());
                assertEquals(-1, tensor.data().mismatch(other.data()), tensor.name());
            }
            assertEquals(first.metadata().string(Optimizer.LAYOUT_KEY), second.metadata().string(Optimizer.LAYOUT_KEY));
        }
    }

    /** Rows of {@code ffn_down}, 288, are no multiple of 64, so that it cannot go by columns and is I2_S. */
    @ParameterizedTest
    @CsvSource({"TL1, 256", "TL1, 288", "TL2, 256", "TL2, 288", "TQ1_0, 256", "TQ2_0, 256"})
    void theSameFileFromEveryFormat(GgmlType type, int hidden) throws IOException {
        Synth.write(SynthSpec.builder().hidden(hidden).ffn(512).heads(hidden / 32, 1, 32).build(), plain);
        optimize(plain, fast);
        Path other = converted(plain, type);
        Path otherFast = folder.resolve("other-fast.gguf");
        optimize(other, otherFast);
        assertSameTensors(fast, otherFast);
        try (GgufFile file = GgufFile.open(otherFast)) {
            assertEquals(hidden == 256 ? GgmlType.I2_C : GgmlType.I2_S, file.requireTensor("blk.0.ffn_down.weight").type());
            assertTrue(file.metadata().get(TlTiles.KEY).isEmpty() && file.metadata().get(TqScales.KEY).isEmpty());
        }
    }

    @Test
    void tilesThatTheFileDoesNotRecord() throws IOException {
        optimize(plain, fast);
        Path foreign = new GgufEdit().drop(TlTiles.KEY).drop("general.alignment").write(converted(plain, GgmlType.TL1), folder.resolve("foreign.gguf"));
        Path otherFast = folder.resolve("other-fast.gguf");
        String message = assertThrows(BitNetException.class, () -> optimize(foreign, otherFast)).getMessage();
        assertTrue(message.contains("--tl-tiles"), message);
        try (GgufFile file = GgufFile.open(foreign); Kernels kernels = new Kernels(2, "auto");
                GgufFile own = GgufFile.open(foreign.resolveSibling("TL1.gguf"))) {
            LayoutPlan plan = LayoutPlan.of(file, Target.named("avx512vbmi", kernels), FeedForward.SPARSE, Optional.empty());
            Optimizer.write(file, TernaryLayout.OF_THE_FILE.withTiles(TlTiles.of(own)), plan, Optional.empty(), otherFast, kernels,
                    (written, total) -> {});
        }
        assertSameTensors(fast, otherFast);
    }

    /** The last byte of {@code ffn_down}, in every layout. */
    @ParameterizedTest
    @CsvSource({"avx512vbmi, DENSE, rows 320 to 383 hold", "avx2, DENSE, rows 368 to 383 hold", "avx2, SPARSE, rows 256 to 383 hold"})
    void aWeightThatIsNone(String target, FeedForward mode, String words) throws IOException {
        optimize(plain, fast, target, mode);
        try (GgufFile file = GgufFile.open(fast); RandomAccessFile bytes = new RandomAccessFile(fast.toFile(), "rw")) {
            GgufTensor down = file.requireTensor("blk.1.ffn_down.weight");
            bytes.seek(down.offset() + down.byteSize() - GgmlType.SCALE_BYTES - 1);
            bytes.write(0xFF);
        }
        String message = assertThrows(BitNetException.class, () -> BitNetModel.open(fast)).getMessage();
        assertTrue(message.contains("tensor blk.1.ffn_down.weight: " + words), message);
    }

    @ParameterizedTest
    @CsvSource({"avx512vbmi, SPARSE, B3_R80, I2_S, I2_C", "avx512vnni, SPARSE, I2_R16, I2_S, I2_C",
                "avx512vbmi, DENSE, B3_R80, B3_R80, B3_R80", "scalar, DENSE, I2_R16, I2_R16, I2_R16"})
    void onlyTernaryTensorsChange(String target, FeedForward mode, GgmlType dense, GgmlType up, GgmlType down) throws IOException {
        optimize(plain, fast, target, mode);
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(fast)) {
            assertEquals(64, after.alignment());
            String formats = Stream.of(dense, up, down).map(type -> type.name().toLowerCase(Locale.ROOT)).distinct().sorted()
                    .collect(Collectors.joining("+"));
            assertEquals(formats, after.metadata().string(Optimizer.LAYOUT_KEY).orElseThrow());
            assertEquals(target, after.metadata().string(Optimizer.TARGET_KEY).orElseThrow());
            for (GgufTensor tensor : before.tensors()) {
                GgufTensor copy = after.requireTensor(tensor.name());
                assertArrayEquals(tensor.dims(), copy.dims());
                GgmlType layout = tensor.type() != GgmlType.I2_S ? tensor.type()
                        : tensor.name().contains("ffn_up") ? up : tensor.name().contains("ffn_down") ? down : dense;
                assertEquals(layout, copy.type(), tensor.name());
                assertEquals(layout == tensor.type(), tensor.data().mismatch(copy.data()) == -1, tensor.name());
            }
            before.metadata().asMap().forEach((key, value) -> assertEquals(value, after.metadata().get(key).orElseThrow(), key));
        }
    }

    /** Of random weights every other gate opens; where all gates are 0 nothing is needed. */
    @Test
    void aTextShowsWhichLayersAreSparse() throws IOException {
        clear(plain, "blk.1.ffn_gate.weight");
        Calibration calibration = calibrate(plain, "auto", 2);
        assertEquals(IDS.length, calibration.tokens());
        assertEquals(0.5, calibration.layers().get(0).openGates(), 0.1);
        assertTrue(calibration.layers().get(0).activeInputs() <= calibration.layers().get(0).openGates());
        assertTrue(calibration.layers().get(0).activeInputs() > 0.2);
        assertEquals(new Calibration.Layer(0, 0), calibration.layers().get(1));
        assertEquals(calibration, calibrate(plain, "scalar", 1));

        optimize(plain, fast, "avx512vbmi", FeedForward.AUTO);
        try (GgufFile file = GgufFile.open(fast)) {
            assertEquals(GgmlType.B3_R80, file.requireTensor("blk.0.ffn_up.weight").type());
            assertEquals(GgmlType.I2_S, file.requireTensor("blk.1.ffn_up.weight").type());
            assertEquals(GgmlType.I2_C, file.requireTensor("blk.1.ffn_down.weight").type());
            assertEquals(GgmlType.B3_R80, file.requireTensor("blk.1.ffn_gate.weight").type());
            for (String key : List.of(Optimizer.OPEN_GATES_KEY, Optimizer.ACTIVE_INPUTS_KEY)) {
                assertTrue(file.metadata().get(key).isPresent(), key);
            }
        }
    }

    /** Gates that go through SiLU never close: such models are dense, and asking for more is refused. */
    @Test
    void onlyReluClosesGates() throws IOException {
        Synth.write(SynthSpec.builder().architecture("llama").build(), plain);
        optimize(plain, fast, "avx2", FeedForward.AUTO);
        try (GgufFile file = GgufFile.open(fast)) {
            assertEquals(GgmlType.I2_R16, file.requireTensor("blk.1.ffn_down.weight").type());
        }
        String message = assertThrows(BitNetException.class, () -> optimize(plain, fast, "avx2", FeedForward.SPARSE)).getMessage();
        assertTrue(message.contains("SiLU"), message);
    }

    @Test
    void refusesATargetThatIsNone() {
        String message = assertThrows(BitNetException.class, () -> optimize(plain, fast, "zen5", FeedForward.DENSE)).getMessage();
        assertEquals("there is no target 'zen5'; known are auto, scalar, ssse3, avx2, avxvnni, avx512bw, avx512vnni, "
                + "avx512vbmi, amx, neon, dotprod, sve, i8mm", message);
    }

    /** The file brings the coarse copy of its head, which generations use unless they are told not to, for the same tokens. */
    @Test
    void theHeadWorksInTwoPasses() throws IOException {
        optimize(plain, fast);
        for (HeadMode mode : HeadMode.values()) {
            try (BitNetModel model = BitNetModel.open(fast, ModelOptions.DEFAULT.withHead(mode)); Session session = model.newSession();
                    BitNetModel before = BitNetModel.open(plain); Session expected = before.newSession()) {
                assertEquals(HeadMode.EXACT, before.head());
                assertEquals(mode == HeadMode.EXACT ? HeadMode.EXACT : HeadMode.TWO_PASS, model.head());
                assertEquals(before.info().parameters(), model.info().parameters());
                for (SamplingOptions sampling : List.of(SamplingOptions.GREEDY.withSeed(1), SamplingOptions.DEFAULT.withSeed(2))) {
                    GenerationOptions options = GenerationOptions.tokens(100).withSampling(sampling).withIgnoreStopIds(true);
                    session.rewind(0);
                    expected.rewind(0);
                    Generation generation = session.generate(new int[] {1, 2}, options);
                    assertEquals(expected.generate(new int[] {1, 2}, options).text(), generation.text());
                    assertEquals(mode == HeadMode.EXACT ? 0 : 100, generation.headUse().twoPass());
                }
            }
        }
    }

    /** The stored copy is the one that is packed otherwise. */
    @Test
    void theCopyOfTheHeadIsThatOfAnyMachine() throws IOException {
        optimize(plain, fast);
        try (GgufFile file = GgufFile.open(fast); Kernels kernels = new Kernels(1, "scalar"); Arena arena = Arena.ofConfined()) {
            GgufTensor head = file.requireTensor("token_embd.weight");
            GgufTensor stored = file.requireTensor("output_coarse.weight");
            assertEquals("token_embd.weight", file.metadata().string("bitnet4j.coarse_head").orElseThrow());
            assertEquals(GgmlType.D31_R16, stored.type());
            MemorySegment packed = arena.allocate(stored.byteSize(), 64);
            kernels.packHead(head.data(), head.type(), head.rows(), head.cols(), packed);
            assertEquals(-1, packed.mismatch(stored.data()));
        }
    }

    @Test
    void refusesACopyOfAnotherHead() throws IOException {
        optimize(plain, fast);
        long offset;
        try (GgufFile file = GgufFile.open(fast)) {
            offset = file.requireTensor("token_embd.weight").offset();
        }
        try (RandomAccessFile bytes = new RandomAccessFile(fast.toFile(), "rw")) {
            bytes.seek(offset);
            bytes.write(new byte[64]);
        }
        for (HeadMode mode : List.of(HeadMode.AUTO, HeadMode.TWO_PASS)) {
            String message = assertThrows(BitNetException.class,
                    () -> BitNetModel.open(fast, ModelOptions.DEFAULT.withHead(mode)).close()).getMessage();
            assertTrue(message.contains("output_coarse.weight is no copy of this model's output head"), message);
        }
        BitNetModel.open(fast, ModelOptions.DEFAULT.withHead(HeadMode.EXACT)).close();
    }

    /** Earlier versions wrote another copy, of a type that nobody knows any more. */
    @Test
    void refusesACopyOfAnotherType() throws IOException {
        optimize(plain, fast);
        Path other = folder.resolve("other.gguf");
        byte[] bytes = Files.readAllBytes(fast);
        byte[] name = "output_coarse.weight".getBytes(StandardCharsets.UTF_8);
        int type = indexOf(bytes, name) + name.length + Integer.BYTES + 2 * Long.BYTES; // behind their number and both dimensions
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(type, 1032);
        Files.write(other, bytes);
        String message = assertThrows(BitNetException.class, () -> BitNetModel.open(other).close()).getMessage();
        assertTrue(message.contains("(type 1032); optimise the original file again"), message);
        BitNetModel.open(other, ModelOptions.DEFAULT.withHead(HeadMode.EXACT)).close();
    }

    private static int indexOf(byte[] bytes, byte[] some) {
        int at = 0;
        while (!Arrays.equals(bytes, at, at + some.length, some, 0, some.length)) {
            at++;
        }
        return at;
    }

    @Test
    void refusesWhatItCannotImprove() throws IOException {
        optimize(plain, fast);
        assertTrue(assertThrows(BitNetException.class, () -> optimize(fast, folder.resolve("twice.gguf"))).getMessage()
                .contains("is optimised already"));
        assertTrue(assertThrows(BitNetException.class, () -> optimize(plain, plain)).getMessage().contains("choose another name"));
    }

    @Test
    void refusesACodeThatNoIntactFileHolds() throws IOException {
        long offset;
        try (GgufFile file = GgufFile.open(plain)) {
            offset = file.requireTensor("blk.1.ffn_gate.weight").offset();
        }
        try (RandomAccessFile bytes = new RandomAccessFile(plain.toFile(), "rw")) {
            bytes.seek(offset + 1000);
            bytes.write(0xff);
        }
        String message = assertThrows(BitNetException.class, () -> optimize(plain, fast)).getMessage();
        assertTrue(message.contains("blk.1.ffn_gate.weight"), message);
        assertFalse(Files.exists(fast), "a file that is not complete must not appear");
    }
}
