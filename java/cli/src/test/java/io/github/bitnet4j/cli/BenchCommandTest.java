package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.cli.bench.BenchTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchCommandTest {
    @TempDir
    private Path folder;

    @Test
    void testsHaveTheNamesOfLlamaBench() {
        assertEquals(List.of("pp512", "tg128", "pp512 @ d4096", "tg128 @ d4096"),
                BenchTest.of(List.of(512), List.of(128), List.of(0, 4096)).stream().map(BenchTest::name).toList());
        assertEquals(List.of("tg16"), BenchTest.of(List.of(0), List.of(16), List.of(0)).stream().map(BenchTest::name).toList());
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
            assertTrue(test.get("peak_share").asDouble() > 0);
            assertFalse(test.get("setting").get("kernels").isEmpty());
            assertEquals(test.get("test").asText().startsWith("tg"), test.has("latency"));
            assertEquals(test.has("latency"), test.path("read_tail").asDouble() >= 1, "readings to compare tokens with: " + test);
        }
        assertEquals(8, result.get("tests").get(1).get("latency").get("histogram").valueStream()
                .mapToInt(bucket -> bucket.get("tokens").asInt()).sum(), "4 tokens, twice");
        assertEquals(List.of(1, 2), result.get("roofs").valueStream().map(roof -> roof.get("threads").asInt()).toList());
        assertTrue(result.get("roofs").get(1).get("read_bandwidth").asDouble() > 0);
        assertTrue(result.get("roofs").get(1).get("peak").asDouble() > 0);
        assertTrue(result.get("kernels").has("gemv i2_s"));
    }

    @Test
    void partsOfARunAddUp() {
        JsonNode test = Cli.ok("bench", "-p", "0", "-n", "19", "-r", "2", "--json").json().get("tests").get(0);
        List<JsonNode> latencies = test.get("latency").get("histogram").valueStream().toList();
        assertEquals(38, latencies.stream().mapToInt(bucket -> bucket.get("tokens").asInt()).sum(), "two parts of eight and one of three");
        double least = latencies.stream().mapToDouble(bucket -> bucket.get("from").asDouble() * bucket.get("tokens").asInt()).sum();
        double all = test.get("samples").valueStream().mapToDouble(sample -> 19 / sample.asDouble() * 1e3).sum();
        assertTrue(all >= least, "runs took " + all + " ms, their tokens " + least + " at least");
    }

    @Test
    void bytesAreThoseThatWereRead() {
        JsonNode prompts = Cli.ok("bench", "-p", "64", "-n", "0", "-b", "64,16", "-r", "1", "--json").json().get("tests");
        double more = 64 * (prompts.get(1).get("bytes_per_token").asDouble() - prompts.get(0).get("bytes_per_token").asDouble());
        double again = 3 * weights("blk\\.([0-4]\\..*|5\\.attn_[qkv])\\.weight");
        assertTrue(more > 0.99 * again && more < 1.1 * again, "three passes more over the weights, but for what the last layer does "
                + "with the row whose logits are wanted, and over keys and values: " + more + " and " + again);
        JsonNode tests = Cli.ok("bench", "-p", "0", "-n", "4", "-d", "0,64", "-r", "1", "--json").json().get("tests");
        assertTrue(tests.get(1).get("bytes_per_token").asDouble() > tests.get(0).get("bytes_per_token").asDouble(),
                "keys and values of 64 more positions");
    }

    /** Bytes of the bundled model's ternary tensors of such names. */
    private static long weights(String names) {
        return Cli.ok("inspect", Cli.HOME.resolve("models/shakespeare.gguf").toString(), "--json").json().get("tensors").valueStream()
                .filter(tensor -> tensor.get("type").asText().equals("I2_S") && tensor.get("name").asText().matches(names))
                .mapToLong(tensor -> tensor.get("bytes").asLong()).sum();
    }

    @Test
    void tablesHaveARowForEachTest() {
        List<String> markdown = Cli.ok("bench", "-p", "8", "-n", "0", "-r", "1").out().lines().toList();
        assertTrue(markdown.get(0).startsWith("| model"), markdown.get(0));
        assertTrue(markdown.get(2).contains("pp8"), markdown.get(2));
        assertFalse(markdown.get(0).contains("p50"), "no tokens were generated: " + markdown.get(0));
    }

    @Test
    void csvHasATableOfTestsAndOneOfKernels() {
        List<String> csv = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "--kernels", "peak,gemv_i2s_scalar", "--shapes", "tiny",
                "--csv").out().lines().toList();
        int gap = csv.indexOf("");
        assertEquals(2, gap);
        assertEquals(csv.get(0).split(",", -1).length, csv.get(1).split(",", -1).length);
        assertTrue(csv.size() > gap + 3, "peaks and products");
        csv.subList(gap + 1, csv.size()).forEach(line -> assertEquals(17, line.split(",").length, line));
    }

    @Test
    void kernelsOfOneInstructionSetAreTimedAtTheShapesOfAModel() {
        JsonNode trials = Cli.ok("bench", "-p", "0", "-n", "0", "--kernels", "i2s", "--shapes", "tiny", "--isa", "scalar", "--json")
                .json().get("trials");
        assertTrue(trials.valueStream().allMatch(trial -> trial.get("isa").asText().equals("scalar")), trials.toString());
        JsonNode gemv = trials.valueStream().filter(trial -> trial.get("operation").asText().equals("gemv")).findFirst().orElseThrow();
        assertEquals("bn_gemv_i2s_scalar", gemv.get("kernel").asText());
        assertEquals(gemv.get("rows").asLong() * gemv.get("cols").asLong() / 4, gemv.get("bytes").asLong());
        assertEquals(gemv.get("rows").asLong() * gemv.get("cols").asLong(), gemv.get("multiply_adds").asLong());
        assertTrue(gemv.get("nanoseconds").asDouble() > 0);
    }

    @Test
    void whereTheWeightsLieIsSaid() {
        assertTrue(Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1").out().contains("weights: mmap"));
        JsonNode test = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "-o", "json").json().get("tests").get(0);
        assertEquals("mmap", test.get("setting").get("load").asText());
        Cli copied = Cli.run("bench", "-p", "0", "-n", "2", "-r", "1", "--load", "hugepages");
        assumeTrue(!copied.err().contains("transparent huge pages"), copied.err());
        assertTrue(copied.out().contains("weights: hugepages, ") && copied.out().contains(" copied, "), copied.out());
    }

    @Test
    void theHeadInTwoPassesSaysHowManyLogitsItComputed() {
        JsonNode result = Cli.ok("bench", "-p", "0", "-n", "4", "-r", "2", "--head", "two-pass", "-o", "json").json();
        assertEquals("tg4", result.get("tests").get(0).get("test").asText());
        JsonNode use = result.get("head_use");
        assertEquals(8, use.get("two_pass").asInt()); // of the two runs, not of those to warm up
        assertTrue(use.get("logits").asInt() >= 8);
        String line = Cli.ok("bench", "-p", "0", "-n", "2", "-r", "1", "--head", "two-pass").out();
        assertTrue(line.contains("head of generated tokens: two-pass, "), line);
    }

    @Test
    void aReportIsOnePageAndItsPlotsArePictures() throws Exception {
        Path ours = write("ours.json", Cli.ok("bench", "-p", "8,16", "-n", "4", "-d", "0,8", "-b", "8,16", "-r", "2", "-t", "1,2",
                "--kernels", "i2s", "--shapes", "tiny", "--json").out());
        Path theirs = write("theirs.json", llamaBench("\"n_prompt\": 16, \"n_gen\": 0, \"n_threads\": 2", "[100, 110]"));
        Path html = folder.resolve("report.html");
        Path plots = folder.resolve("plots");
        Cli.ok("bench", "--from", ours.toString(), "--compare", "peer=" + theirs, "--html", html.toString(), "--plots", plots.toString());
        String page = Files.readString(html);
        assertTrue(page.contains("peer"));
        assertFalse(Pattern.compile("(src|href)=|@import|url\\((?!#)|<script|<link|<!DOCTYPE svg|<\\?xml").matcher(page).find(), "refers to something outside");
        List<String> names = List.of("batch", "depth", "latency", "prompt", "roofline-t1", "roofline-t2", "threads", "tokens");
        try (Stream<Path> files = Files.list(plots)) {
            assertEquals(names.stream().flatMap(name -> Stream.of(name + ".png", name + ".svg")).toList(),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
        for (String name : names) {
            var svg = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(plots.resolve(name + ".svg").toFile());
            assertTrue(svg.getElementsByTagName("path").getLength() > 20, name + " has axes, words and lines");
            assertEquals(1800, ImageIO.read(plots.resolve(name + ".png").toFile()).getWidth());
        }
        assertEquals(names.size(), page.split("<svg").length - 1);
    }

    @Test
    void otherReportsAreComparedTestByTest() throws IOException {
        String own = Cli.ok("bench", "-p", "8", "-n", "4", "-r", "3", "-t", "1", "--json").out();
        Path ours = write("ours.json", own);
        JsonNode same = Cli.ok("bench", "--from", ours.toString(), "--compare", ours.toString(), "--json").json().get("comparisons");
        assertEquals(2, same.size());
        same.forEach(one -> {
            assertEquals(1, one.get("ratio").asDouble(), 1e-12);
            assertTrue(one.get("low").asDouble() <= 1 && one.get("high").asDouble() >= 1);
        });
        Path theirs = write("theirs.json", llamaBench("\"n_prompt\": 0, \"n_gen\": 4, \"n_threads\": 1", "[10]"));
        JsonNode one = Cli.ok("bench", "--from", ours.toString(), "--compare", theirs.toString(), "--json").json().get("comparisons");
        assertEquals(1, one.size());
        assertEquals("tg4", one.get(0).get("test").asText());
        assertEquals("llama-bench abc", one.get(0).get("other").asText());
        assertEquals(10, one.get(0).get("theirs").asDouble(), 1e-9);
        assertFalse(one.get(0).has("low"), "one run has no interval");
        String rounds = "peer=" + theirs + ",peer=" + write("again.json", llamaBench("\"n_prompt\": 0, \"n_gen\": 4, \"n_threads\": 1", "[20]"));
        JsonNode both = Cli.ok("bench", "--from", ours.toString(), "--compare", rounds, "--json").json().get("comparisons");
        assertEquals(1, both.size());
        assertEquals(15, both.get(0).get("theirs").asDouble(), 1e-9);
    }

    @Test
    void wrongFilesAreRefused() throws IOException {
        Path ours = write("ours.json", Cli.ok("bench", "-p", "8", "-n", "0", "-r", "1", "-t", "1", "--json").out());
        refused(1, "holds no JSON", "bench", "--from", write("text.json", "pp8 is fast").toString());
        refused(1, "is no output of 'bitnet bench --json'", "bench", "--from", write("list.json", "[1, 2]").toString());
        refused(1, "there is no such file", "bench", "--from", folder.resolve("none.json").toString());
        refused(1, "is neither the output of 'bitnet bench --json' nor that of 'llama-bench -o json'", "bench", "--from",
                ours.toString(), "--compare", write("object.json", "{\"tests\": 3}").toString());
        Path other = write("other.json", llamaBench("\"n_prompt\": 512, \"n_gen\": 0, \"n_threads\": 4", "[1, 2]"));
        refused(1, "there are pp512 with 4", "bench", "--from", ours.toString(), "--compare", other.toString());
        refused(2, "--shapes is '9b'", "bench", "--shapes", "9b");
        refused(1, "there is no folder", "bench", "--html", folder.resolve("none/report.html").toString());
    }

    private static void refused(int status, String sentence, String... arguments) {
        Cli result = Cli.run(arguments);
        assertEquals(status, result.status(), result.err());
        assertTrue(result.err().contains(sentence), result.err());
    }

    private static String llamaBench(String test, String samples) {
        return "[{\"build_commit\": \"abc\", \"model_type\": \"bitnet 2B\", \"type_k\": \"f16\", \"n_ubatch\": 512, " + test
                + ", \"samples_ts\": " + samples + "}]";
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
