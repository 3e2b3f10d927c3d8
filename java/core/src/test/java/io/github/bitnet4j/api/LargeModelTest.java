package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.ChildJvm;
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
        long growth = Long.parseLong(ChildJvm.run(MemoryGrowth.class, Path.of("."), large.toString()).strip());
        assertTrue(growth < Files.size(large) * 3 / 4, "anonymous memory grew by " + growth + " bytes");
    }

    static final class MemoryGrowth {
        public static void main(String[] args) throws IOException {
            long before = anonymousBytes();
            try (BitNetModel model = BitNetModel.open(Path.of(args[0])); Session session = model.newSession()) {
                session.generate(new int[] {1, 2, 3}, GREEDY).text();
                System.out.println(anonymousBytes() - before);
            }
        }

        /** RssAnon: resident memory that is no file's. */
        private static long anonymousBytes() throws IOException {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("RssAnon:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst().orElseThrow();
        }
    }
}
