package io.github.bitnet4j.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.LoadListener;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.ModelCheck;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.TernaryTensor;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TqScales;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What conversions keep, and what is said about files that other programs wrote, or damaged. */
class FormatsTest {
    private static final String DOWN = "blk.1.ffn_down.weight";
    private static final int[] IDS = new Random(1).ints(20, 0, 512).toArray();

    @TempDir
    private Path folder;
    private Path plain;

    @BeforeEach
    void write() throws IOException {
        plain = folder.resolve("plain.gguf");
        synth(true);
    }

    /** With scales that f16 does not have. */
    private void synth(boolean tied) throws IOException {
        Path rounded = folder.resolve("rounded.gguf");
        Synth.write(SynthSpec.builder().hidden(256).ffn(512).heads(4, 2, 64).tied(tied).build(), rounded);
        TernaryFiles.rewritten(rounded, plain, GgmlType.I2_S, (tensor, codes) -> {
            byte[] data = tensor.data().toArray(ValueLayout.JAVA_BYTE);
            MemorySegment.ofArray(data).set(ValueLayout.JAVA_FLOAT_UNALIGNED, data.length - GgmlType.SCALE_BYTES,
                    TernaryFiles.scale(tensor) * 1.0001f);
            return data;
        });
    }

    private Path convert(Path from, TargetFormats target, I2sOrder order) throws IOException {
        Path to = folder.resolve(target.linears() + "-" + from.getFileName());
        try (GgufFile file = GgufFile.open(from)) {
            GgufConverter.write(file, to, target, order, (written, total) -> {});
        }
        return to;
    }

    private Path convert(Path from, GgmlType type) throws IOException {
        return convert(from, TargetFormats.of(type), I2sOrder.BLOCKS_128);
    }

    private static List<float[]> logits(Path path, ModelOptions options) {
        List<float[]> rows = new ArrayList<>();
        try (BitNetModel model = BitNetModel.open(path, options.withThreads(2)); Session session = model.newSession()) {
            session.evaluate(IDS, 0, (index, logits) -> rows.add(logits.clone()));
        }
        return rows;
    }

    private static void assertSameLogits(List<float[]> expected, List<float[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "row " + i);
        }
    }

    /** All tensors of two I2_S files, scales included. */
    private static void assertSameTensors(Path expected, Path actual) throws IOException {
        try (GgufFile one = GgufFile.open(expected); GgufFile other = GgufFile.open(actual)) {
            assertEquals(one.tensors().size(), other.tensors().size());
            for (GgufTensor tensor : one.tensors()) {
                assertEquals(-1, tensor.data().mismatch(other.requireTensor(tensor.name()).data()), tensor.name());
            }
        }
    }

    private static String refusal(ThrowingRun run) {
        String message = assertThrows(BitNetException.class, run::run).getMessage();
        assertFalse(message.contains("\n"), message);
        return message;
    }

    private interface ThrowingRun {
        void run() throws IOException;
    }

    /** Codes and scales through every pair of formats, and the logits of each. */
    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"I2_S", "TL1", "TL2", "TQ1_0", "TQ2_0"})
    void nothingIsLostBetweenAnyTwoFormats(GgmlType first) throws IOException {
        try (GgufFile file = GgufFile.open(plain)) {
            float scale = TernaryFiles.scale(file.requireTensor(DOWN));
            assertNotEquals(scale, Float.float16ToFloat(Float.floatToFloat16(scale)), "a scale that f16 does not have");
        }
        Path one = convert(plain, first);
        assertSameLogits(logits(plain, ModelOptions.DEFAULT), logits(one, ModelOptions.DEFAULT));
        assertSameLogits(logits(plain, ModelOptions.DEFAULT), logits(one, ModelOptions.DEFAULT.withIsa("scalar")));
        for (GgmlType second : TernaryTensor.PUBLISHED) {
            Path other = convert(one, second);
            try (GgufFile file = GgufFile.open(other)) {
                assertEquals(second, file.requireTensor(DOWN).type());
                assertEquals(second == GgmlType.TQ1_0 || second == GgmlType.TQ2_0, file.metadata().get(TqScales.KEY).isPresent());
            }
            assertSameTensors(plain, convert(other, GgmlType.I2_S));
        }
    }

    /** TQ2_0 of llama.cpp: the scale is the f16 one, blocks of zeros have none. */
    @Test
    void tensorsOfOtherPrograms() throws IOException {
        Path foreign = TernaryFiles.rewritten(plain, folder.resolve("foreign.gguf"), GgmlType.TQ2_0, (tensor, codes) -> {
            Arrays.fill(codes, 256, 512, (byte) 1);
            return TernaryFiles.tq2(tensor, codes);
        });
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(convert(foreign, GgmlType.I2_S))) {
            byte[] codes = TernaryFiles.codes(before.requireTensor(DOWN));
            Arrays.fill(codes, 256, 512, (byte) 1);
            assertArrayEquals(codes, TernaryFiles.codes(after.requireTensor(DOWN)));
            assertEquals(Float.float16ToFloat(Float.floatToFloat16(TernaryFiles.scale(before.requireTensor(DOWN)))),
                    TernaryFiles.scale(after.requireTensor(DOWN)));
        }
        assertSameLogits(logits(convert(foreign, GgmlType.I2_S), ModelOptions.DEFAULT), logits(foreign, ModelOptions.DEFAULT));
        assertSameLogits(logits(foreign, ModelOptions.DEFAULT), logits(foreign, ModelOptions.DEFAULT.withLoad(LoadMode.HUGEPAGES)));
        try (BitNetModel model = BitNetModel.open(foreign)) {
            assertEquals(model.file().tensors().stream().filter(t -> t.type() == GgmlType.TQ2_0).mapToLong(t -> t.elements() / 4)
                    .sum(), model.weightMemory().repackedBytes());
        }
    }

    private Path foreignTq(int at, int value) throws IOException {
        return TernaryFiles.rewritten(plain, folder.resolve("foreign.gguf"), GgmlType.TQ2_0, (tensor, codes) -> {
            byte[] data = TernaryFiles.tq2(tensor, codes);
            if (tensor.name().equals(DOWN)) {
                data[at] = (byte) value;
            }
            return data;
        });
    }

    @Test
    void tensorsThatAreNotTernary() throws IOException {
        Path two = foreignTq(66 * 8 - 2, 0x55);
        assertTrue(refusal(() -> BitNetModel.open(two)).contains("tensor " + DOWN + ": its blocks differ in scale"));
        assertTrue(refusal(() -> convert(two, GgmlType.I2_S)).contains(" in block 7); only ternary models can run here"));
        Path three = foreignTq(66 * 3 + 5, 0x0C);
        String message = refusal(() -> BitNetModel.open(three));
        assertTrue(message.contains("tensor " + DOWN + ": ") && message.contains("row 1, column 293 holds"), message);
        assertTrue(refusal(() -> convert(three, GgmlType.TQ1_0)).contains("none of -1, 0 and 1; the file is corrupt"));
        for (int high : new int[] {0x7C, 0x7E, 0xB0}) {
            Path none = TernaryFiles.rewritten(plain, folder.resolve("foreign.gguf"), GgmlType.TQ2_0, (tensor, codes) -> {
                byte[] data = TernaryFiles.tq2(tensor, codes);
                for (int end = 66; end <= data.length; end += 66) {
                    data[end - 1] = (byte) high;
                }
                return data;
            });
            assertTrue(refusal(() -> BitNetModel.open(none)).contains("which is no positive number"));
        }
    }

    /** A recorded scale counts if it is the blocks' one before it was rounded, and there is one for each tensor. */
    @Test
    void scalesOfTheMetadata() throws IOException {
        Path tq = convert(plain, GgmlType.TQ2_0);
        Path damaged = new GgufEdit().drop("general.alignment").floats(TqScales.KEY, 1, 2).write(tq, folder.resolve("damaged.gguf"));
        assertTrue(refusal(() -> BitNetModel.open(damaged)).contains(TqScales.KEY + " has 2 scales for 14 tensors"));
        float[] others = new float[14];
        Arrays.fill(others, 1);
        Path changed = new GgufEdit().drop("general.alignment").floats(TqScales.KEY, others).write(tq, folder.resolve("changed.gguf"));
        Path without = new GgufEdit().drop("general.alignment").drop(TqScales.KEY).write(tq, folder.resolve("without.gguf"));
        assertSameTensors(convert(without, GgmlType.I2_S), convert(changed, GgmlType.I2_S));
        try (GgufFile file = GgufFile.open(convert(without, GgmlType.I2_S)); GgufFile before = GgufFile.open(plain)) {
            assertEquals(Float.float16ToFloat(Float.floatToFloat16(TernaryFiles.scale(before.requireTensor(DOWN)))),
                    TernaryFiles.scale(file.requireTensor(DOWN)));
        }
    }

    @Test
    void aScaleThatF16DoesNotHave() throws IOException {
        byte[] down = GgufEdit.bytes(plain, DOWN);
        for (float scale : new float[] {1e6f, 1e-9f}) {
            byte[] scaled = down.clone();
            MemorySegment.ofArray(scaled).set(ValueLayout.JAVA_FLOAT_UNALIGNED, scaled.length - GgmlType.SCALE_BYTES, scale);
            Path edited = new GgufEdit().tensor(DOWN, GgmlType.I2_S, new long[] {512, 256}, scaled)
                    .write(plain, folder.resolve("scaled.gguf"));
            assertTrue(refusal(() -> convert(edited, GgmlType.TQ1_0)).contains(DOWN + ": its scale " + scale + " has no place"));
        }
    }

    /** The orders that ARM builds and builds without ACT_PARALLEL write: with the option the same, without it other text. */
    @ParameterizedTest
    @EnumSource(value = I2sOrder.class, names = {"BLOCKS_64", "ROWS_4"})
    void otherOrdersOfI2s(I2sOrder order) throws IOException {
        Path other = TernaryFiles.rewritten(plain, folder.resolve("other.gguf"), GgmlType.I2_S,
                order == I2sOrder.ROWS_4 ? TernaryFiles::fourRows : TernaryFiles::blocksOf64);
        List<float[]> expected = logits(plain, ModelOptions.DEFAULT);
        assertSameLogits(expected, logits(other, ModelOptions.DEFAULT.withI2sOrder(order)));
        assertFalse(Arrays.equals(expected.getLast(), logits(other, ModelOptions.DEFAULT).getLast()));
        assertSameTensors(plain, convert(other, TargetFormats.PLAIN, order));
        assertSameTensors(plain, convert(convert(other, TargetFormats.of(GgmlType.TQ1_0), order), GgmlType.I2_S));
    }

    /** Each weight's value, as the nearest half; no model for this program. */
    @Test
    void weightsAsHalves() throws IOException {
        Path halves = convert(plain, GgmlType.F16);
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(halves)) {
            GgufTensor tensor = after.requireTensor(DOWN);
            byte[] codes = TernaryFiles.codes(before.requireTensor(DOWN));
            float scale = TernaryFiles.scale(before.requireTensor(DOWN));
            for (int e = 0; e < codes.length; e++) {
                float expected = Float.float16ToFloat(Float.floatToFloat16((codes[e] - 1) * scale));
                assertEquals(expected, Float.float16ToFloat(tensor.data().getAtIndex(ValueLayout.JAVA_SHORT, e)), "weight " + e);
            }
            assertEquals(1, after.metadata().integer("general.file_type").orElseThrow());
        }
        assertTrue(refusal(() -> BitNetModel.open(halves)).endsWith("as linears must be ternary here"));
    }

    /** The head as {@code bitnet optimize} quantises it, tied or not; embeddings stay. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void heads(boolean tied) throws IOException {
        synth(tied);
        for (GgmlType type : List.of(GgmlType.Q8_0, GgmlType.Q6_K, GgmlType.Q4_0)) {
            Path converted = convert(plain, new TargetFormats(GgmlType.TQ2_0, TlTiles.UNKNOWN, Optional.of(type)), I2sOrder.BLOCKS_128);
            try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(converted)) {
                GgufTensor embedding = before.requireTensor("token_embd.weight");
                GgufTensor source = before.tensor("output.weight").orElse(embedding);
                MemorySegment expected = MemorySegment.ofArray(new byte[(int) type.byteSize(source.dims())]);
                TableEncoder.of(type).encode(source.type(), source.data(), source.cols(), expected);
                assertEquals(type, after.requireTensor("output.weight").type());
                assertEquals(-1, expected.mismatch(after.requireTensor("output.weight").data()));
                assertEquals(-1, embedding.data().mismatch(after.requireTensor("token_embd.weight").data()));
            }
            assertEquals(IDS.length, logits(converted, ModelOptions.DEFAULT).size());
            TargetFormats again = new TargetFormats(GgmlType.I2_S, TlTiles.UNKNOWN, Optional.of(GgmlType.F16));
            if (!tied) {
                assertTrue(refusal(() -> convert(converted, again, I2sOrder.BLOCKS_128)).contains("is quantised already"));
            }
        }
        Path same = convert(plain, new TargetFormats(GgmlType.I2_S, TlTiles.UNKNOWN, Optional.of(GgmlType.F16)), I2sOrder.BLOCKS_128);
        assertSameTensors(plain, same);
    }

    @Test
    void shapesThatAFormatDoesNotHave() throws IOException {
        Synth.write(SynthSpec.builder().hidden(384).ffn(640).heads(6, 2, 64).build(), plain);
        assertTrue(refusal(() -> convert(plain, GgmlType.TQ1_0)).contains("which TQ1_0 cannot have"));
        assertFalse(Files.exists(folder.resolve("TQ1_0-plain.gguf")));
    }

    private void assertDamaged(String words, GgufEdit edit) throws IOException {
        Path damaged = edit.drop("general.alignment").write(plain, folder.resolve("damaged.gguf"));
        try (GgufFile file = GgufFile.open(damaged); Kernels kernels = new Kernels(2, "auto")) {
            String message = refusal(() -> ModelCheck.verify(file, TernaryLayout.OF_THE_FILE, kernels, LoadListener.NONE));
            assertTrue(message.contains(words), message);
        }
    }

    /** Ternary weights, which opening reads too, and tables, which it does not read as a whole. */
    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"I2_S", "TL1", "TL2", "TQ1_0", "TQ2_0"})
    void aCheckReadsEveryWeight(GgmlType type) throws IOException {
        plain = convert(plain, type);
        try (GgufFile file = GgufFile.open(plain); Kernels kernels = new Kernels(2, "auto")) {
            ModelCheck.verify(file, TernaryLayout.OF_THE_FILE, kernels, LoadListener.NONE);
        }
        byte[] down = GgufEdit.bytes(plain, DOWN);
        down[1000] = (byte) (type == GgmlType.TQ1_0 ? 1 : 0xFF); // no ceil(256 v / 243); codes 3
        assertDamaged("none of -1, 0 and 1; the file is corrupt", new GgufEdit().tensor(DOWN, type, new long[] {512, 256}, down));
        String opened = refusal(() -> BitNetModel.open(folder.resolve("damaged.gguf")));
        assertTrue(opened.contains("damaged.gguf: tensor " + DOWN + ": row") && opened.contains("fetch or convert it again"), opened);
        byte[] embedding = GgufEdit.bytes(plain, "token_embd.weight");
        embedding[2 * (300 * 256 + 17) + 1] = 0x7F;
        assertDamaged("token_embd.weight holds NaN in row 300, column 17", new GgufEdit().tensor("token_embd.weight", GgmlType.F16,
                new long[] {256, 512}, embedding));
        float[] norm = new float[256];
        norm[3] = Float.POSITIVE_INFINITY;
        assertDamaged("blk.0.attn_norm.weight holds Infinity in row 0, column 3", new GgufEdit().tensor("blk.0.attn_norm.weight",
                GgmlType.F32, new long[] {256}, GgufEdit.floats(norm)));
    }

    /** A conversion reads every weight too. */
    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"I2_S", "TL2", "TQ2_0", "F16"})
    void aConversionRefusesACodeThree(GgmlType type) throws IOException {
        byte[] down = GgufEdit.bytes(plain, DOWN);
        down[1000] |= 3;
        Path damaged = new GgufEdit().tensor(DOWN, GgmlType.I2_S, new long[] {512, 256}, down)
                .write(plain, folder.resolve("damaged.gguf"));
        assertTrue(refusal(() -> convert(damaged, type)).contains("none of -1, 0 and 1"));
        assertFalse(Files.exists(folder.resolve(type + "-damaged.gguf")));
    }
}
