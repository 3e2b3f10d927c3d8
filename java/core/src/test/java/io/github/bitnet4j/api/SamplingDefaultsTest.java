package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplingDefaultsTest {
    @TempDir
    private Path folder;

    private SamplingOptions read(GgufWriter writer) throws IOException {
        Path path = folder.resolve("defaults.gguf");
        writer.write(path, (done, total) -> {});
        try (GgufFile file = GgufFile.open(path)) {
            return SamplingDefaults.of(file);
        }
    }

    private static GgufWriter integer(String key, long value) {
        return new GgufWriter().value("general.sampling." + key, new GgufValue.Int(GgufType.I32, value));
    }

    @Test
    void everyKeyHasItsOption() throws IOException {
        GgufWriter writer = integer("top_k", 20).f32("general.sampling.temp", 0.7f).f32("general.sampling.top_p", 0.8f)
                .f32("general.sampling.min_p", 0.05f).f32("general.sampling.penalty_repeat", 1.1f)
                .u32("general.sampling.penalty_last_n", 32);
        assertEquals(SamplingOptions.DEFAULT.withTopK(20).withTemperature(0.7f).withTopP(0.8f).withMinP(0.05f)
                .withRepetitionPenalty(1.1f).withPenaltyWindow(32), read(writer));
    }

    @Test
    void whatIsNotNamedIsAsEver() throws IOException {
        assertEquals(SamplingOptions.DEFAULT, read(new GgufWriter()));
        assertEquals(SamplingOptions.DEFAULT.withTopK(0), read(integer("top_k", -1)));
        assertEquals(SamplingOptions.DEFAULT.withPenaltyWindow(Integer.MAX_VALUE), read(integer("penalty_last_n", -1)));
    }

    @Test
    void wrongValuesAreNamed() {
        String message = assertThrows(BitNetException.class, () -> read(new GgufWriter().f32("general.sampling.top_p", 3))).getMessage();
        assertTrue(message.contains("defaults.gguf: general.sampling.top_p is wrong: top-p is 3.0: it must be"), message);
    }
}
