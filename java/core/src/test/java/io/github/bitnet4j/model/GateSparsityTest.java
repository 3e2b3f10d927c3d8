package io.github.bitnet4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code synth --gate-sparsity} closes the share of gates that it says, counted by the reference evaluation. */
class GateSparsityTest {
    private static final SynthSpec.Builder SHAPE = SynthSpec.builder().name("gates").hidden(1024).ffn(1024).layers(6)
            .heads(8, 2, 128);

    @TempDir
    private Path folder;

    /**
     * 24 tokens by 6 layers by 1024 gates. All gates of a token share its rms, whose deviation is 1 / sqrt(2 * 1024), and all
     * of a layer the scales before it, drawn within a tenth: the shift is off by up to some hundredths, and the share, whose
     * derivative is at most 0.4, by 0.02.
     */
    @ParameterizedTest
    @ValueSource(doubles = {0.2, 0.5, 0.8, 0.95})
    void theShareIsAsAsked(double share) throws IOException {
        Path path = folder.resolve("gates.gguf");
        Synth.write(SHAPE.gateSparsity(share).build(), path);
        try (GgufFile file = GgufFile.open(path)) {
            ReferenceModel model = new ReferenceModel(file, false);
            ReferenceModel.Sequence sequence = model.new Sequence();
            new Random(1).ints(24, 0, 512).forEach(sequence::next);
            double measured = (double) model.closedGates / model.gates;
            System.out.printf("gate sparsity asked for: %.2f, measured: %.4f%n", share, measured);
            assertEquals(share, measured, 0.02);
            boolean named = file.metadata().number("bitnet4j.synth.gate_sparsity").isPresent();
            assertEquals(share != 0.5, named);
            assertEquals(named ? "gates-gate-sparsity-" + share : "gates", file.metadata().string("general.name").orElseThrow());
        }
    }

    @Test
    void impossibleSharesAreRefusedWithTheReason() {
        for (double share : new double[] {0, 1, -1, Double.NaN}) {
            assertThrows(IllegalArgumentException.class, () -> SynthSpec.builder().gateSparsity(share).build());
        }
        String message = assertThrows(IllegalArgumentException.class,
                () -> SynthSpec.builder().architecture("llama").gateSparsity(0.8).build()).getMessage();
        assertTrue(message.contains("llama has SiLU gates"), message);
    }
}
