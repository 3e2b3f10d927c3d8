package io.github.bitnet4j.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.optimize.FeedForward;
import io.github.bitnet4j.optimize.LayoutPlan;
import io.github.bitnet4j.optimize.Optimizer;
import io.github.bitnet4j.optimize.Target;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models whose rows begin within a block of I2_S, in every format: the same weights, and the same logits to the last bit. */
class RowsWithinBlocksTest {
    private static final int[] IDS = new Random(1).ints(60, 0, 512).toArray();

    @TempDir
    Path folder;
    private Path plain;

    @BeforeEach
    void writeModel() throws IOException {
        plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().architecture("bitnet").hidden(320).ffn(288).heads(5, 5, 64).build(), plain);
    }

    private Path convert(Path from, GgmlType type) throws IOException {
        Path to = folder.resolve(type + "-" + from.getFileName());
        try (GgufFile file = GgufFile.open(from)) {
            GgufConverter.write(file, to, TargetFormats.of(type), I2sOrder.BLOCKS_128,
                    (written, total) -> {});
        }
        return to;
    }

    /** A prompt and single tokens. */
    private static List<float[]> logits(Path path) {
        List<float[]> rows = new ArrayList<>();
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withThreads(2)); Session session = model.newSession()) {
            session.evaluate(IDS, 0, (index, logits) -> rows.add(logits.clone()));
            session.evaluate(new int[] {3}, 0, (index, logits) -> rows.add(logits.clone()));
        }
        return rows;
    }

    private void assertSameLogits(Path path) {
        List<float[]> expected = logits(plain);
        List<float[]> actual = logits(path);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), path.getFileName() + ", row " + i);
        }
    }

    @Test
    void thereAndBack() throws IOException {
        Path pairs = convert(plain, GgmlType.TL1);
        Path triples = convert(pairs, GgmlType.TL2);
        Path back = convert(triples, GgmlType.I2_S);
        Path copy = convert(plain, GgmlType.I2_S);
        assertSameLogits(pairs);
        assertSameLogits(triples);
        try (GgufFile first = GgufFile.open(plain); GgufFile last = GgufFile.open(back); GgufFile same = GgufFile.open(copy)) {
            for (GgufTensor tensor : first.tensors()) {
                assertEquals(-1, tensor.data().mismatch(last.requireTensor(tensor.name()).data()), tensor.name());
                assertEquals(-1, tensor.data().mismatch(same.requireTensor(tensor.name()).data()), tensor.name());
            }
        }
    }

    @Test
    void aWeightThatIsNone() throws IOException {
        byte[] gate = GgufEdit.bytes(plain, "blk.0.ffn_gate.weight");
        gate[5 * 320 / 4 + 1] |= 3; // in row 5
        Path damaged = new GgufEdit().tensor("blk.0.ffn_gate.weight", GgmlType.I2_S, new long[] {320, 288}, gate)
                .write(plain, folder.resolve("damaged.gguf"));
        String message = assertThrows(BitNetException.class, () -> BitNetModel.open(damaged)).getMessage();
        assertTrue(message.contains("tensor blk.0.ffn_gate.weight: row 5 holds"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"avx2", "avx512vbmi"})
    void optimized(String target) throws IOException {
        Path fast = folder.resolve("fast.gguf");
        try (GgufFile file = GgufFile.open(plain); Kernels kernels = new Kernels(2, "auto")) {
            LayoutPlan plan = LayoutPlan.of(file, Target.named(target, kernels), FeedForward.AUTO, Optional.empty());
            Optimizer.write(file, TernaryLayout.OF_THE_FILE, plan, Optional.empty(), fast, kernels, (written, total) -> {});
        }
        try (GgufFile file = GgufFile.open(fast)) {
            assertNotEquals(GgmlType.I2_S, file.requireTensor("blk.0.ffn_down.weight").type());
        }
        assertSameLogits(fast);
    }
}
