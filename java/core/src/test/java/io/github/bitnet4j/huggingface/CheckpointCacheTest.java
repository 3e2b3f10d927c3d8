package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointCacheTest {
    @TempDir
    private Path folder;

    private static String text(Path model) {
        try (BitNetModel opened = BitNetModel.open(model); Session session = opened.newSession()) {
            return session.generate("abc", GenerationOptions.tokens(20).withSampling(SamplingOptions.GREEDY)).text();
        }
    }

    /** A folder runs as the file that it was made from, is converted once, and again when it has changed. */
    @Test
    void convertsOnce() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path source = folder.resolve("checkpoint");
        Synth.write(SynthSpec.builder().build(), plain);
        try (GgufFile file = GgufFile.open(plain)) {
            new CheckpointFolder(file, CheckpointFolder.Form.PACKED_MULTIPLIED).write(source, 2);
        }
        CheckpointCache cache = new CheckpointCache(folder.resolve("cache"));
        Path first = cache.gguf(source, (written, total) -> {});
        assertEquals(text(plain), text(first));
        FileTime time = Files.getLastModifiedTime(first);
        assertEquals(first, cache.gguf(source, (written, total) -> {
            throw new AssertionError("converted again");
        }));
        assertEquals(time, Files.getLastModifiedTime(first));
        Files.setLastModifiedTime(source.resolve("config.json"), FileTime.fromMillis(time.toMillis() + 5000));
        assertNotEquals(first, cache.gguf(source, (written, total) -> {}));
    }
}
