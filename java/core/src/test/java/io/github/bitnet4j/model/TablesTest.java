package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.convert.TableEncoder;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Embeddings and heads of every type are their numbers and nothing else: the same logits as from those numbers in F32. */
class TablesTest {
    private static final int ROWS = 512;
    private static final int COLS = 256;
    private static final int[] IDS = new Random(1).ints(12, 0, ROWS).toArray();

    @TempDir
    private Path folder;

    private static List<float[]> logits(Path path, HeadMode head) {
        List<float[]> rows = new ArrayList<>();
        ModelOptions options = ModelOptions.DEFAULT.withThreads(2).withHead(head);
        try (BitNetModel model = BitNetModel.open(path, options); Session session = model.newSession()) {
            session.evaluate(IDS, 0, (index, logits) -> rows.add(logits.clone()));
        }
        return rows;
    }

    /** Blocks of random codes, with scales of about a hundredth. */
    private static byte[] random(GgmlType type) {
        byte[] data = new byte[(int) type.byteSize(COLS, ROWS)];
        new Random(3).nextBytes(data);
        int step = type == GgmlType.BF16 ? 2 : type.blockBytes();
        for (int at = 0; at < data.length; at += step) {
            switch (type) {
                case BF16 -> data[at + 1] = (byte) (data[at + 1] & 0x80 | 0x3C);
                case Q6_K -> data[at + 209] = 0x08;
                case Q4_K -> {
                    data[at + 1] = 0x10;
                    data[at + 3] = 0x10;
                }
                default -> data[at + 1] = 0x1C;
            }
        }
        return data;
    }

    private static float[] values(GgmlType type, byte[] data) {
        try (Arena arena = Arena.ofConfined(); Kernels kernels = new Kernels(1, "scalar")) {
            MemorySegment table = arena.allocate(data.length, 64).copyFrom(MemorySegment.ofArray(data));
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, ROWS);
            for (int i = 0; i < ROWS; i++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, i, i);
            }
            MemorySegment x = arena.allocate(4L * ROWS * COLS, 64);
            kernels.embed(new Matrix(table, type, ROWS, COLS, Optional.empty()).describe(arena, 1), ids, ROWS, 1, x);
            return x.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"BF16", "Q8_0", "Q6_K", "Q5_0", "Q4_K", "Q4_0"})
    void theSameAsTheirNumbers(GgmlType type) throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().hidden(COLS).vocab(ROWS).tied(true).build(), plain);
        byte[] data = random(type);
        long[] dims = {COLS, ROWS};
        Path typed = new GgufEdit().tensor("token_embd.weight", type, dims, data).write(plain, folder.resolve("typed.gguf"));
        Path floats = new GgufEdit().tensor("token_embd.weight", GgmlType.F32, dims, GgufEdit.floats(values(type, data)))
                .write(plain, folder.resolve("floats.gguf"));
        List<float[]> expected = logits(floats, HeadMode.EXACT);
        List<float[]> actual = logits(typed, HeadMode.EXACT);
        assertEquals(IDS.length, actual.size());
        for (int i = 0; i < IDS.length; i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "row " + i);
        }
    }

    /** BF16 by its definition: the upper half of a float. */
    @Test
    void bf16IsTheUpperHalfOfAFloat() {
        byte[] data = random(GgmlType.BF16);
        float[] values = values(GgmlType.BF16, data);
        for (int i = 0; i < values.length; i++) {
            assertEquals((data[2 * i] & 0xff | data[2 * i + 1] << 8) << 16, Float.floatToRawIntBits(values[i]), "number " + i);
        }
    }

    /**
     * What {@code convert} and {@code optimize} write, decoded by the kernels. Each weight has the nearest of the codes that its
     * step allows, and the step is so large that the least code is where the largest weight is: within half a step, and for
     * Q6_K, whose steps are chosen by least squares around that and rounded to int8, within three.
     */
    @ParameterizedTest
    @EnumSource(value = TableEncoder.class, names = {"Q8_0", "Q4_0", "Q6_K"})
    void everyWeightGetsTheNearestCode(TableEncoder encoder) {
        GgmlType type = GgmlType.valueOf(encoder.name());
        Random random = new Random(5);
        float[] weights = new float[ROWS * COLS];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (random.nextGaussian() * (1 + i / 16 % 3));
        }
        byte[] data = new byte[(int) type.byteSize(COLS, ROWS)];
        encoder.encode(GgmlType.F32, MemorySegment.ofArray(weights), COLS, MemorySegment.ofArray(data));
        float[] decoded = values(type, data);
        for (int i = 0; i < weights.length; i++) {
            double step = step(type, data, i);
            int least = type == GgmlType.Q4_0 ? -8 : type == GgmlType.Q8_0 ? -127 : -32;
            int most = type == GgmlType.Q4_0 ? 7 : type == GgmlType.Q8_0 ? 127 : 31;
            double nearest = Double.MAX_VALUE;
            for (int q = least; q <= most; q++) {
                nearest = Math.min(nearest, Math.abs(weights[i] - q * step));
            }
            assertEquals(nearest, Math.abs(weights[i] - decoded[i]), 1e-5 * Math.abs(step), "weight " + i);
            int group = type == GgmlType.Q6_K ? 16 : 32;
            float largest = 0;
            for (int j = i / group * group; j < (i / group + 1) * group; j++) {
                largest = Math.max(largest, Math.abs(weights[j]));
            }
            double steps = largest / Math.abs(step);
            double miss = type == GgmlType.Q6_K ? 3 : 0.5;
            assertTrue(Math.abs(steps + least) <= miss, "the largest weight near number " + i + " is " + steps + " steps");
        }
    }

    /** What one code more is worth, read from the block of weight {@code i} where ggml's types have it; it may be negative. */
    private static double step(GgmlType type, byte[] data, int i) {
        int block = i / type.blockSize() * type.blockBytes();
        int at = type == GgmlType.Q6_K ? block + 208 : block;
        float d = Float.float16ToFloat((short) (data[at] & 0xff | data[at + 1] << 8));
        return type == GgmlType.Q6_K ? d * data[block + 192 + i % 256 / 16] : d;
    }
}
