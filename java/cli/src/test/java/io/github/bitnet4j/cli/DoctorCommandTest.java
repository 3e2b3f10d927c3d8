package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
        assertTrue(report.get("estimate").get("tokens_per_second").asDouble() > 0);
    }

    @Test
    void aModelThatCannotRunIsNoReasonToSayNothing() {
        Cli result = Cli.ok("doctor", "-m", "nope.gguf");
        assertTrue(result.out().contains("there is no such file"), result.out());
        assertTrue(result.out().contains("gemv i2_s"), result.out());
    }
}
