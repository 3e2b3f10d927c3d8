package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.ChildJvm;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What shows only on a model of some size: six layers of the width of 2B-4T, 107 MB. */
class LargeModelTest {
    private static final GenerationOptions GREEDY = GenerationOptions.tokens(3).withSampling(SamplingOptions.GREEDY);
    private static final int[] PROMPT = new Random(1).ints(2000, 0, 500).toArray();

    @TempDir
    private static Path folder;
    private static Path large;

    @BeforeAll
    static void write() throws IOException {
        large = folder.resolve("large.gguf");
        Synth.write(SynthSpec.builder().hidden(2560).ffn(6912).layers(6).heads(20, 5, 128).context(4096).build(), large);
    }

    /**
     * In the middle of one pass that takes one thread three seconds on a fast core. The promise is 100 ms; a busy machine
     * that schedules other work in between is given a second.
     */
    @Test
    void aPrefillIsCancelledAtOnce() throws InterruptedException {
        ModelOptions onePass = ModelOptions.DEFAULT.withThreads(1).withBatchSize(PROMPT.length);
        try (BitNetModel model = BitNetModel.open(large, onePass); Session session = model.newSession()) {
            Generation generation = session.generate(PROMPT, GREEDY);
            long[] ended = new long[1];
            Thread worker = Thread.ofPlatform().start(() -> {
                assertFalse(generation.hasNext());
                ended[0] = System.nanoTime();
            });
            Thread.sleep(200);
            long cancelled = System.nanoTime();
            generation.cancel();
            worker.join();
            assertEquals(Optional.of(FinishReason.CANCELLED), generation.finishReason());
            long millis = (ended[0] - cancelled) / 1_000_000;
            assertTrue(millis < 1000, "it took " + millis + " ms");

            session.rewind(20);
            Generation after = session.generate(new int[] {7}, GREEDY);
            after.text();
            assertEquals(Optional.of(FinishReason.LENGTH), after.finishReason());
            assertArrayEquals(freshly(model, 20), after.ids(), "the session goes on as if nothing had happened");
        }
    }

    private static int[] freshly(BitNetModel model, int promptTokens) {
        int[] prompt = Arrays.copyOf(PROMPT, promptTokens + 1);
        prompt[promptTokens] = 7;
        try (Session fresh = model.newSession()) {
            Generation generation = fresh.generate(prompt, GREEDY);
            generation.text();
            return generation.ids();
        }
    }

    /**
     * Weights stay pages of the file. What is left are buffers, the cache's touched pages, the vocabulary and the JVM's own
     * growth. In a process of its own: this one's allocator may have kept memory from before.
     */
    @Test
    void weightsAreNotCopied() throws IOException, InterruptedException {
        long growth = Long.parseLong(ChildJvm.run(MemoryGrowth.class, Path.of("."), large.toString(), "MMAP").strip().split(" ")[0]);
        assertTrue(growth < Files.size(large) * 3 / 4, "anonymous memory grew by " + growth + " bytes");
    }

    /** The copy is resident, the file's pages that it was made from are not, and the tokens are the same. */
    @Test
    void copiedWeightsAreNotHeldTwice() throws IOException, InterruptedException {
        try (BitNetModel mapped = BitNetModel.open(large);
                BitNetModel copied = BitNetModel.open(large, ModelOptions.DEFAULT.withLoad(LoadMode.HUGEPAGES))) {
            assertArrayEquals(freshly(mapped, 20), freshly(copied, 20));
            assertTrue(copied.weightMemory().hugeBytes() > copied.weightMemory().bytes().byteSize() / 2,
                    "on huge pages: " + copied.weightMemory().hugeBytes());
        } catch (BitNetException e) {
            assumeTrue(!e.getMessage().contains("transparent huge pages"), e.getMessage());
            throw e;
        }
        String[] growth = ChildJvm.run(MemoryGrowth.class, Path.of("."), large.toString(), "HUGEPAGES").strip().split(" ");
        assertTrue(Long.parseLong(growth[0]) > Files.size(large) * 3 / 4, "anonymous memory grew by " + growth[0] + " bytes");
        assertTrue(Long.parseLong(growth[1]) < Files.size(large) / 4, "pages of files grew by " + growth[1] + " bytes");
    }

    static final class MemoryGrowth {
        public static void main(String[] args) throws IOException {
            long anonymous = resident("RssAnon:");
            long files = resident("RssFile:");
            ModelOptions options = ModelOptions.DEFAULT.withLoad(LoadMode.valueOf(args[1]));
            try (BitNetModel model = BitNetModel.open(Path.of(args[0]), options); Session session = model.newSession()) {
                session.generate(new int[] {1, 2, 3}, GREEDY).text();
                System.out.println(resident("RssAnon:") - anonymous + " " + (resident("RssFile:") - files));
            }
        }

        /** Resident bytes of one kind. */
        private static long resident(String kind) throws IOException {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith(kind))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst().orElseThrow();
        }
    }
}
