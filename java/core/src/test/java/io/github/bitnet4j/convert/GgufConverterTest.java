package io.github.bitnet4j.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.sampling.SamplingOptions;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** TL1 and TL2 files hold the weights of the I2_S file they were made from, run to the same bits, and lead back to it. */
class GgufConverterTest {
    private static final int[] IDS = new Random(1).ints(40, 0, 512).toArray();

    private static final GenerationOptions GREEDY = GenerationOptions.tokens(64).withSampling(SamplingOptions.GREEDY);

    @TempDir
    Path folder;

    private Path synth() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().hidden(384).ffn(640).heads(6, 2, 64).build(), plain);
        return plain;
    }

    private Path convert(Path from, GgmlType type, String tiles) throws IOException {
        Path to = folder.resolve(type + "-" + from.getFileName());
        try (GgufFile file = GgufFile.open(from)) {
            TargetFormats target = new TargetFormats(type, tiles.isEmpty() ? TlTiles.UNKNOWN : TlTiles.parse(tiles), Optional.empty());
            GgufConverter.write(file, to, target, I2sOrder.BLOCKS_128, (written, total) -> {});
        }
        return to;
    }

    private static String refusal(ThrowingConversion conversion) {
        return assertThrows(BitNetException.class, conversion::run).getMessage();
    }

    private interface ThrowingConversion {
        void run() throws IOException;
    }

    private static List<float[]> logits(Path path, String isa) {
        List<float[]> rows = new ArrayList<>();
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withIsa(isa).withThreads(2));
             Session session = model.newSession()) {
            session.evaluate(IDS, 0, (index, logits) -> rows.add(logits.clone()));
            for (int count : new int[] {1, 2, 5}) {
                session.evaluate(Arrays.copyOf(IDS, count), 0, (index, logits) -> rows.add(logits.clone()));
            }
        }
        return rows;
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"TL1", "TL2"})
    void theSameLogitsOnEveryTarget(GgmlType type) throws IOException {
        Path plain = synth();
        Path converted = convert(plain, type, "");
        List<float[]> expected = logits(plain, "scalar");
        for (Cpu.Isa isa : Cpu.isas()) {
            if (isa.supported()) {
                List<float[]> actual = logits(converted, isa.name());
                assertEquals(expected.size(), actual.size());
                for (int i = 0; i < expected.size(); i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), isa.name() + ", row " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"TL1", "TL2"})
    void theBundledModelSaysTheSame(GgmlType type) throws IOException {
        assertEquals(text(Golden.MODEL), text(convert(Golden.MODEL, type, "")));
    }

    private static String text(Path path) {
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withThreads(2)); Session session = model.newSession();
             var generation = session.generate("ROMEO:", GREEDY)) {
            StringBuilder text = new StringBuilder();
            generation.forEachRemaining(token -> text.append(token.id()).append(' '));
            return text.toString();
        }
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"TL1", "TL2"})
    void thereAndBackIsTheSameFile(GgmlType type) throws IOException {
        Path plain = synth();
        Path there = convert(plain, type, "");
        Path other = convert(there, type == GgmlType.TL1 ? GgmlType.TL2 : GgmlType.TL1, "");
        Path back = convert(other, GgmlType.I2_S, "");
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(back)) {
            assertTrue(after.metadata().get(TlTiles.KEY).isEmpty());
            before.metadata().asMap().forEach((key, value) -> assertEquals(value, after.metadata().get(key).orElseThrow(), key));
            for (GgufTensor tensor : before.tensors()) {
                GgufTensor copy = after.requireTensor(tensor.name());
                assertEquals(tensor.type(), copy.type());
                assertEquals(-1, tensor.data().mismatch(copy.data()), tensor.name());
            }
        }
    }

    /** Every weight of a matrix, read from TL1 by the published description alone. */
    @Test
    void tl1IsWhatItsDescriptionSays() throws IOException {
        Path plain = synth();
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(convert(plain, GgmlType.TL1, "64/64/64"))) {
            GgufTensor tensor = after.requireTensor("blk.1.ffn_down.weight");
            MemorySegment codes = before.requireTensor(tensor.name()).data();
            long at = 0;
            for (int m = 0; m < tensor.rows(); m += 64) {
                for (int k = 0; k < tensor.cols(); k += 64) {
                    for (int c = 0; c < 64; c += 4) {
                        for (int r = 0; r < 64; r++) {
                            int value = tensor.data().get(ValueLayout.JAVA_BYTE, at++) & 0xff;
                            assertPair(codes, tensor.cols(), m + r, k + c, value >> 4);
                            assertPair(codes, tensor.cols(), m + r, k + c + 2, value & 15);
                        }
                    }
                }
            }
            assertScale(before.requireTensor(tensor.name()), tensor, at);
        }
    }

    /** The same for TL2: indices, signs, and the pairs of the last columns. */
    @Test
    void tl2IsWhatItsDescriptionSays() throws IOException {
        Path plain = synth();
        try (GgufFile before = GgufFile.open(plain); GgufFile after = GgufFile.open(convert(plain, GgmlType.TL2, "64/96/32"))) {
            GgufTensor tensor = after.requireTensor("blk.1.ffn_down.weight"); // 384 rows of 640: 576 in triples, 64 in pairs
            MemorySegment codes = before.requireTensor(tensor.name()).data();
            long cols = tensor.cols();
            long signs = tensor.rows() * 576 / 6;
            long pairs = signs + tensor.rows() * 576 / 24;
            for (int row = 0; row < tensor.rows(); row++) {
                int band = row % 64 / 32;
                int r = row % 32;
                int place = new int[] {0, 16, 8, 24}[r / 8] + r % 8;
                for (int k = 0; k < 576; k += 3) {
                    long tile = row / 64 * 6 + k / 96;
                    int unit = k % 96 / 6;
                    int index = tensor.data().get(ValueLayout.JAVA_BYTE, ((tile * 2 + band) * 16 + unit) * 32 + place) & 0xff;
                    long word = signs + ((tile * 2 + band) * 4 + k % 96 / 24) * 32 + r % 16 * 2;
                    int sign = tensor.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, word) >> 15 - (2 * (k % 24 / 3) + r / 16) & 1;
                    int magnitude = k % 6 == 0 ? index >> 4 : index & 15;
                    int expected = 9 * weight(codes, cols, row, k) + 3 * weight(codes, cols, row, k + 1) + weight(codes, cols, row, k + 2);
                    assertEquals(expected, sign == 1 ? -magnitude : magnitude, "row " + row + ", column " + k);
                }
                for (int k = 576; k < cols; k += 4) {
                    long tile = row / 64 * 2 + (k - 576) / 32;
                    int value = tensor.data().get(ValueLayout.JAVA_BYTE, pairs + ((tile * 2 + band) * 8 + k % 32 / 4) * 32 + place) & 0xff;
                    assertPair(codes, cols, row, k, value >> 4);
                    assertPair(codes, cols, row, k + 2, value & 15);
                }
            }
            assertScale(before.requireTensor(tensor.name()), tensor, tensor.byteSize() - 32);
        }
    }

    private static int weight(MemorySegment i2s, long cols, long row, long k) {
        long element = row * cols + k;
        return (i2s.get(ValueLayout.JAVA_BYTE, element / 128 * 32 + element % 32) >> 6 - 2 * (element % 128 / 32) & 3) - 1;
    }

    private static void assertPair(MemorySegment i2s, long cols, long row, long k, int index) {
        assertEquals(3 * weight(i2s, cols, row, k) + weight(i2s, cols, row, k + 1) + 4, index, "row " + row + ", column " + k);
    }

    private static void assertScale(GgufTensor before, GgufTensor after, long at) {
        assertEquals(before.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, before.byteSize() - 32),
                after.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, at));
        assertEquals(at + 32, after.byteSize());
    }

    @Test
    void filesRecordTheirTilesAndOthersNeedThemNamed() throws IOException {
        Path tl1 = convert(synth(), GgmlType.TL1, "384x640=64/128/64,128/64/32");
        try (GgufFile file = GgufFile.open(tl1)) {
            assertEquals("128x384=128/64/32,384x384=128/64/32,384x640=64/128/64,640x384=128/64/32", TlTiles.of(file).toString());
        }
        Path foreign = new GgufEdit().drop("general.alignment").drop(TlTiles.KEY).write(tl1, folder.resolve("foreign.gguf"));
        String message = refusal(() -> BitNetModel.open(foreign));
        assertTrue(message.contains("blk.0.attn_q.weight") && message.contains("--tl-tiles 384x384=BM/BK/bm"), message);
        message = refusal(() -> convert(foreign, GgmlType.I2_S, ""));
        assertTrue(message.contains(": tensor blk.") && message.contains("=BM/BK/bm, as the file was written"), message);
        ModelOptions named = ModelOptions.DEFAULT.withTlTiles(TlTiles.parse("384x640=64/128/64,128/64/32"));
        BitNetModel.open(foreign, named).close();
        convert(foreign, GgmlType.I2_S, "384x640=64/128/64,128/64/32");
        message = refusal(() -> BitNetModel.open(foreign, named.withTlTiles(TlTiles.parse("256/64/32"))));
        assertTrue(message.contains("384 x 384 cannot have tiles 256/64/32: BM can be 384, 192, 128"), message);
        Path broken = new GgufEdit().drop("general.alignment").string(TlTiles.KEY, "many").write(tl1, folder.resolve("broken.gguf"));
        assertTrue(refusal(() -> BitNetModel.open(broken)).contains(TlTiles.KEY + ": tiles are 'many'"));
    }

    @Test
    void refusesWhatItCannotConvert() throws IOException {
        Path plain = synth();
        String message = refusal(() -> convert(plain, GgmlType.TL2, "128/100/32"));
        assertTrue(message.contains("blk.0.") && message.contains("BK can be"), message);
        assertFalse(Files.exists(folder.resolve("TL2-plain.gguf")), "a file that is not complete must not appear");
        Path itself = Files.copy(plain, folder.resolve("TL1-plain.gguf"));
        Files.delete(plain);
        Files.createSymbolicLink(plain, itself);
        assertTrue(refusal(() -> convert(plain, GgmlType.TL1, "")).contains("choose another name"));
    }

    @Test
    void tilesOfPublishedShapesAndOthers() {
        assertEquals("320/128/64", TlTiles.usual(GgmlType.TL1, 3200, 3200).toString());
        assertEquals("128/192/32", TlTiles.usual(GgmlType.TL2, 1536, 1536).toString());
        assertEquals("256/128/32", TlTiles.usual(GgmlType.TL1, 6912, 2560).toString());
        assertEquals("256/96/32", TlTiles.usual(GgmlType.TL2, 2560, 6912).toString());
        assertEquals("160/96/32", TlTiles.usual(GgmlType.TL2, 640, 2560).toString());
        for (String text : new String[] {"", "256/96", "256x96x32", "a=256/96/32", "2560x=256/96/32", "256/96/32,", "256/96/-32"}) {
            assertThrows(IllegalArgumentException.class, () -> TlTiles.parse(text), text);
        }
    }
}
