package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCommandTest {
    /** Prompt and greedy continuation of the bundled model, from a plain numpy evaluation. */
    private static final String PROMPT = "KING RICHARD III:\n";
    private static final int[] PROMPT_IDS = {2045, 453, 672, 916, 268};
    private static final int[] GREEDY_IDS = {73, 391, 325, 985, 291, 308, 258, 515, 288, 707, 1066, 268, 73, 466, 740, 293,
        442, 44, 311, 444, 44, 295, 466, 740, 293, 288, 453, 672, 916, 268, 542, 444, 44, 295, 466, 740, 293, 442, 44, 295,
        391, 740, 293, 288, 453, 672, 916, 268, 1080, 44, 541, 44, 295, 466, 740, 293, 442, 44, 295, 898, 293, 44, 295, 466};

    @TempDir
    Path folder;

    @Test
    void greedyTokensAreTheGoldenOnes() {
        JsonNode result = Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0", "--json").json();
        assertArrayEquals(PROMPT_IDS, Cli.ints(result.get("prompt_ids")));
        assertArrayEquals(GREEDY_IDS, Cli.ints(result.get("ids")));
        assertEquals("length", result.get("finish_reason").asText());
        assertTrue(result.get("model").asText().endsWith("shakespeare.gguf"));
        assertTrue(result.get("threads").asInt() > 0);
        JsonNode timings = result.get("timings");
        assertEquals(5, timings.get("prompt_tokens").asInt());
        assertEquals(64, timings.get("generated_tokens").asInt());
        for (String name : new String[] {"prompt_ms", "prompt_tokens_per_second", "generation_ms", "generation_tokens_per_second"}) {
            assertTrue(timings.get(name).asDouble() > 0, name);
        }
    }

    /** The model file's own defaults are taken, and options win over them. */
    @Test
    void theModelRecommendsHowToChooseTokens() throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path model = folder.resolve("greedy.gguf");
        Cli.ok("synth", plain.toString(), "--preset", "tiny");
        try (GgufFile file = GgufFile.open(plain)) {
            GgufWriter writer = new GgufWriter();
            file.metadata().asMap().forEach(writer::value);
            file.tensors().forEach(tensor -> writer.tensor(tensor.name(), tensor.type(), tensor.dims(), TensorData.of(tensor.data())));
            writer.f32("general.sampling.temp", 0).u32("general.sampling.top_k", 7).write(model, (done, total) -> {});
        }
        String[] run = {"run", "-p", "a", "-n", "9", "--json", "-m", model.toString()};
        JsonNode own = Cli.ok(run).json();
        assertEquals(0, own.get("sampling").get("temperature").asDouble());
        assertEquals(7, own.get("sampling").get("top_k").asInt());
        String[] given = Arrays.copyOf(run, run.length + 4);
        System.arraycopy(new String[] {"--temp", "0.5", "--top-k", "3"}, 0, given, run.length, 4);
        JsonNode other = Cli.ok(given).json();
        assertEquals(0.5, other.get("sampling").get("temperature").asDouble());
        assertEquals(3, other.get("sampling").get("top_k").asInt());
        assertEquals(0.6, Cli.ok("run", "-p", "a", "-n", "0", "--json").json().get("sampling").get("temperature").asDouble());
    }

    @Test
    void theHeadInTwoPassesGivesTheSameTokens() {
        JsonNode result = Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0", "--head", "two-pass", "--json").json();
        assertArrayEquals(GREEDY_IDS, Cli.ints(result.get("ids")));
        assertEquals(64, result.get("head_use").get("two_pass").asInt());
        Cli plain = Cli.ok("run", "-p", PROMPT, "-n", "64", "--head", "two-pass");
        assertTrue(plain.err().matches(".*; head: two-pass, \\d+ exact logits a token; drafts: .*\\R"), plain.err());
        assertTrue(Cli.ok("run", "-p", PROMPT, "-n", "4", "--top-k", "0", "--head", "two-pass").err().contains("; head: exact; "));
    }

    @Test
    void draftsGiveTheSameTokens() {
        JsonNode none = Cli.ok("run", "-p", PROMPT, "-n", "300", "--ignore-eos", "--temp", "0", "--draft", "none", "--json").json();
        assertEquals(0, none.get("draft_use").get("drafted").asInt());
        assertEquals(300, none.get("draft_use").get("passes").asInt());
        for (String most : new String[] {"1", "15"}) {
            JsonNode drafted = Cli.ok("run", "-p", PROMPT, "-n", "300", "--ignore-eos", "--temp", "0", "--draft-max", most, "--json").json();
            assertArrayEquals(Cli.ints(none.get("ids")), Cli.ints(drafted.get("ids")));
            assertEquals(300, drafted.get("draft_use").get("passes").asInt() + drafted.get("draft_use").get("accepted").asInt());
        }
        assertTrue(Cli.ok("run", "-p", PROMPT, "-n", "4", "--draft", "none").err().endsWith("; drafts: none\n"));
    }

    @Test
    void standardOutputIsTheTextAndNothingElse() {
        Cli plain = Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0");
        String text = Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0", "--json").json().get("text").asText();
        assertEquals(text, plain.out());
        assertEquals(1, plain.err().lines().count());
        assertTrue(plain.err().matches("prompt: 5 tokens, .* tokens/s; generated: 64 tokens, .* tokens/s; end: length; head: exact; drafts: (none|\\d+ of \\d+ right, \\d\\.\\d\\d tokens a pass)\\R"), plain.err());
    }

    @Test
    void thePromptComesFromAnywhere() throws IOException {
        String expected = Cli.ok("run", "-p", PROMPT, "-n", "8", "--temp", "0").out();
        Path text = Files.writeString(folder.resolve("prompt.txt"), PROMPT);
        Path json = Files.writeString(folder.resolve("ids.json"), Arrays.toString(PROMPT_IDS));
        Path words = Files.writeString(folder.resolve("ids.txt"), "2045 453\n672,916\t268\n");
        assertEquals(expected, Cli.ok("run", "-f", text.toString(), "-n", "8", "--temp", "0").out());
        assertEquals(expected, Cli.ok("run", "--ids", json.toString(), "-n", "8", "--temp", "0").out());
        assertEquals(expected, Cli.ok("run", "--ids", words.toString(), "-n", "8", "--temp", "0").out());
        assertEquals(expected, Cli.runWithInput(PROMPT, "run", "-n", "8", "--temp", "0").out());
        assertEquals(expected, Cli.runWithInput(PROMPT, "run", "-f", "-", "-n", "8", "--temp", "0").out());
    }

    @Test
    void anEmptyPromptStartsFromBos() {
        assertArrayEquals(new int[] {2045}, Cli.ints(Cli.ok("run", "-p", "", "-n", "1", "--json").json().get("prompt_ids")));
    }

    @Test
    void namesOfControlTokensCountOnlyWhenAskedTo() {
        int[] special = Cli.ints(Cli.ok("run", "--special", "-p", "a<|eot_id|>", "-n", "0", "--json").json().get("prompt_ids"));
        int[] literal = Cli.ints(Cli.ok("run", "-p", "a<|eot_id|>", "-n", "0", "--json").json().get("prompt_ids"));
        assertTrue(literal.length >= special.length);
    }

    @Test
    void theSameSeedGivesTheSameTextOnAnyNumberOfThreads() {
        String one = Cli.ok("run", "-p", PROMPT, "-n", "32", "--seed", "7", "-t", "1").out();
        assertEquals(one, Cli.ok("run", "-p", PROMPT, "-n", "32", "--seed", "7", "-t", "2").out());
    }

    @Test
    void aStopStringEndsTheTextBeforeIt() {
        JsonNode result = Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0", "--stop", "my lord", "--json").json();
        assertEquals("stop_string", result.get("finish_reason").asText());
        assertTrue(!result.get("text").asText().contains("my lord"));
        assertEquals(result.get("text").asText(), Cli.ok("run", "-p", PROMPT, "-n", "64", "--temp", "0", "--stop", "my lord").out());
    }

    @Test
    void aFullContextIsAReasonToEnd() {
        JsonNode result = Cli.ok("run", "-p", PROMPT, "-n", "-1", "-c", "32", "--ignore-eos", "--json").json();
        assertEquals("context_full", result.get("finish_reason").asText());
        assertEquals(32, result.get("prompt_ids").size() + result.get("ids").size());
    }
}
