package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
    @Test
    void testsHaveTheNamesOfLlamaBench() {
        assertEquals(List.of("pp512", "tg128", "pp512 @ d4096", "tg128 @ d4096"),
                BenchTest.of(List.of(512), List.of(128), List.of(0, 4096)).stream().map(BenchTest::name).toList());
        assertEquals(List.of("tg16"), BenchTest.of(List.of(0), List.of(16), List.of(0)).stream().map(BenchTest::name).toList());
    }

    @Test
    void bytesAreThoseThatMustBeRead() {
        // 4 passes over 100 bytes of weights, then keys and values of 10 + 1 .. 10 + 4 positions of 3 bytes
        assertEquals(4 * 100 + 3 * (11 + 12 + 13 + 14), new BenchTest(false, 4, 10).bytesRead(100, 40, 3, 256));
        // 2 passes without the head of 40 bytes, which is read once, and half of the positions on average
        assertEquals(2 * 60 + 40 + 2 * 3 * 256, new BenchTest(true, 512, 0).bytesRead(100, 40, 3, 256));
    }

    @Test
    void everyTestIsMeasuredOnEveryNumberOfThreads() {
        JsonNode result = Cli.ok("bench", "-p", "16", "-n", "4", "-d", "0,8", "-r", "2", "-t", "1,2", "-o", "json").json();
        assertEquals(List.of("pp16", "tg4", "pp16 @ d8", "tg4 @ d8", "pp16", "tg4", "pp16 @ d8", "tg4 @ d8"),
                result.get("tests").valueStream().map(test -> test.get("test").asText()).toList());
        for (JsonNode test : result.get("tests")) {
            assertEquals(2, test.get("samples").size());
            assertTrue(test.get("tokens_per_second").asDouble() > 0);
            assertTrue(test.get("bandwidth_share").asDouble() > 0);
        }
        assertTrue(result.get("read_bandwidth_by_threads").get("2").asDouble() > 0);
        assertTrue(result.get("kernels").has("gemv i2_s"));
    }

    @Test
    void tablesHaveARowForEachTest() {
        List<String> markdown = Cli.ok("bench", "-p", "8", "-n", "0", "-r", "1").out().lines().toList();
        assertTrue(markdown.get(0).startsWith("| model"), markdown.get(0));
        assertTrue(markdown.get(2).contains("pp8"), markdown.get(2));
        List<String> csv = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "-o", "csv").out().lines().toList();
        assertEquals(2, csv.size());
        assertEquals(csv.get(0).split(",").length, csv.get(1).split(",").length);
    }

    @Test
    void whereTheWeightsLieIsSaid() {
        assertTrue(Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1").out().contains("weights: mmap"));
        JsonNode load = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "-o", "json").json().get("load");
        assertEquals("mmap", load.get("mode").asText());
        Cli copied = Cli.run("bench", "-p", "0", "-n", "2", "-r", "1", "--load", "hugepages");
        assumeTrue(!copied.err().contains("transparent huge pages"), copied.err());
        assertTrue(copied.out().contains("weights: hugepages, ") && copied.out().contains(" copied, "), copied.out());
    }

    @Test
    void theHeadInTwoPassesSaysHowManyLogitsItComputed() {
        JsonNode result = Cli.ok("bench", "-p", "0", "-n", "4", "-r", "2", "--head", "two-pass", "-o", "json").json();
        assertEquals("tg4", result.get("tests").get(0).get("test").asText());
        JsonNode use = result.get("head_use");
        assertEquals(12, use.get("two_pass").asInt()); // 4 to warm up, 2 runs
        assertTrue(use.get("logits").asInt() >= 12);
        String line = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "--head", "two-pass").out();
        assertTrue(line.contains("head of generated tokens: two-pass, "), line);
    }
}
