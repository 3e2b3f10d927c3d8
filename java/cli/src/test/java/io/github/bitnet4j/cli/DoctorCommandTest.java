package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
    @Test
    void itTellsWhatWasChosenAndWhyNotTheRest() {
        JsonNode report = Cli.ok("doctor", "--json").json();
        assertTrue(report.get("machine").get("physical_cores").asInt() > 0);
        JsonNode library = report.get("library");
        assertTrue(library.get("path").asText().contains("bitnet"));
        assertEquals(1, library.get("isas").valueStream().filter(isa -> isa.get("chosen").asBoolean()).count());
        for (JsonNode isa : library.get("isas")) {
            assertEquals(isa.get("available").asBoolean(), isa.get("reason").asText().isEmpty(), isa.toString());
        }
        assertTrue(library.get("read_bandwidth").asDouble() > 0);
        JsonNode estimate = report.get("estimate");
        assertTrue(estimate.get("tokens_per_second").asDouble() > 0);
        assertEquals("exact", estimate.get("head").asText());
        assertEquals("f16", estimate.get("kv").asText());
        assertEquals("mmap", estimate.get("load").get("mode").asText());
    }

    /** Those of the bundled model's formats, and no others: I2_S, an F16 table, an F16 cache. */
    @Test
    void theKernelsThatAModelUsesAreNamed() {
        JsonNode kernels = Cli.ok("doctor", "--json").json().get("estimate").get("kernels");
        for (String used : new String[] {"gemv i2_s", "gemm i2_s", "gemv_rows i2_s", "matmul f16", "embed f16", "attention f16",
            "quantize f32", "glu f32", "rope f32"}) {
            assertTrue(kernels.has(used), used + " in " + kernels);
        }
        for (String unused : new String[] {"gemv i2_r16", "gemv i2_c", "gemv_tables tl1", "tables tl2",
            "unpack_tiles tl1", "coarse d31_r16", "embed q8_0", "matmul f32",
            "attention_exact f32", "softmax f32"}) {
            assertFalse(kernels.has(unused), unused + " in " + kernels);
        }
        assertTrue(Cli.ok("doctor", "--json", "--kv", "f32").json().get("estimate").get("kernels").has("attention_exact f32"));
    }

    @Test
    void aModelThatCannotRunIsNoReasonToSayNothing() {
        Cli result = Cli.ok("doctor", "-m", "nope.gguf");
        assertTrue(result.out().contains("there is no such file"), result.out());
        assertTrue(result.out().contains("gemv i2_s"), result.out());
    }
}
