package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The bundled model with bytes changed. A file that still is a GGUF loads or is refused in a sentence, and what loads
 * gives tokens or a sentence: never another exception, and never a crash.
 */
class DamagedModelTest {
    private static final int CASES = 300;

    @TempDir
    private Path folder;

    @Test
    void bytesOfTheHeader() throws IOException {
        byte[] file = Files.readAllBytes(Golden.MODEL);
        int header;
        int metadata;
        try (GgufFile gguf = GgufFile.open(Golden.MODEL)) {
            header = (int) gguf.dataOffset();
            metadata = (int) gguf.metadata().offset("tokenizer.ggml.tokens");
        }
        Random random = new Random(1);
        int loaded = 0;
        for (int i = 0; i < CASES; i++) {
            byte[] damaged = file.clone();
            for (int flips = 1 + random.nextInt(2); flips > 0; flips--) {
                // The scalar pairs in front and the tensors behind are a few bytes; most of them are the vocabulary.
                int at = switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(metadata);
                    case 1 -> header - 1 - random.nextInt(5000);
                    default -> random.nextInt(header);
                };
                damaged[at] = (byte) (random.nextBoolean() ? damaged[at] ^ 1 << random.nextInt(8) : random.nextInt(256));
            }
            loaded += survives(damaged, "case " + i) ? 1 : 0;
        }
        assertTrue(loaded >= CASES / 20, "only " + loaded + " files loaded: the test sees too little of the model");
    }

    /** Scales, norms and embeddings of any value, and ternary weights of every value that they can have. */
    @Test
    void bytesOfTheTensors() throws IOException {
        byte[] file = Files.readAllBytes(Golden.MODEL);
        int header;
        BitSet codes = new BitSet();
        try (GgufFile gguf = GgufFile.open(Golden.MODEL)) {
            header = (int) gguf.dataOffset();
            for (GgufTensor tensor : gguf.tensors()) {
                if (tensor.type() == GgmlType.I2_S) {
                    codes.set((int) tensor.offset(), (int) (tensor.offset() + tensor.elements() / 4));
                }
            }
        }
        Random random = new Random(2);
        int loaded = 0;
        for (int i = 0; i < 40; i++) {
            byte[] damaged = file.clone();
            for (int flips = 0; flips < 20_000; flips++) {
                int at = header + random.nextInt(file.length - header);
                int any = random.nextInt(256);
                damaged[at] = (byte) (codes.get(at) ? any & ~((any & any >> 1 & 0x55) << 1) : any); // no code 3
            }
            loaded += survives(damaged, "case " + i) ? 1 : 0;
        }
        assertTrue(loaded > 0, "no file loaded: the test sees nothing of the model");
    }

    /** Whether the file loaded. */
    private boolean survives(byte[] bytes, String name) throws IOException {
        Path path = Files.write(folder.resolve("damaged.gguf"), bytes);
        try (BitNetModel model = BitNetModel.open(path, ModelOptions.DEFAULT.withThreads(1).withBatchSize(8))) {
            try (Session session = model.newSession()) {
                session.generate("To be", GenerationOptions.tokens(4).withSampling(SamplingOptions.DEFAULT.withSeed(1))).text();
            } catch (BitNetException e) {
                assertSentence(e, name);
            }
            return true;
        } catch (BitNetException e) {
            assertSentence(e, name);
            assertTrue(e.getMessage().contains("damaged.gguf"), name + ": " + e.getMessage());
            return false;
        } catch (RuntimeException | Error e) {
            throw new AssertionError(name + " ended in " + e, e);
        }
    }

    private static void assertSentence(BitNetException e, String name) {
        assertNotNull(e.getMessage(), name);
        assertFalse(e.getMessage().isBlank(), name);
    }
}
