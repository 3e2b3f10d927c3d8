package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.sampling.SamplingOptions;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.Splits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Splits of {@code tokenizer.json} files. {@code splits.json} holds texts and, for many a {@code pre_tokenizer}, the pieces that Hugging Face's
 * tokenizers make of them: Maven's {@code ai.djl.huggingface:tokenizers:0.36.0}, which contains that library, was given each with a
 * vocabulary of 256 bytes and asked for the tokens and the words they belong to. Pieces are written in GPT-2's alphabet.
 */
class SplitStepsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static List<SplitStep> steps(JsonNode node) {
        return new SplitSteps(IllegalArgumentException::new).of(node);
    }

    @Test
    void piecesAreThoseOfTheOriginal() throws IOException {
        JsonNode golden;
        try (InputStream in = SplitStepsTest.class.getResourceAsStream("splits.json")) {
            golden = JSON.readTree(in);
        }
        assertTrue(golden.path("splits").size() > 50 && golden.path("texts").size() > 20);
        for (JsonNode split : golden.path("splits")) {
            List<SplitStep> steps = steps(split.path("pre_tokenizer"));
            for (int i = 0; i < golden.path("texts").size(); i++) {
                String text = golden.path("texts").path(i).asText();
                List<String> pieces = split.path("pieces").path(i).valueStream().map(JsonNode::asText).toList();
                assertEquals(pieces, Splits.pieces(steps, text), () -> split.path("pre_tokenizer") + " of " + text);
            }
        }
    }

    /** A checkpoint with the split of Falcon's first models: its folder runs, and its pieces are those of the steps. */
    @Test
    void checkpointsRun(@TempDir Path folder) throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().build(), plain);
        JsonNode falcon = JSON.readTree("""
                {"type":"Sequence","pretokenizers":[{"type":"Punctuation","behavior":"Contiguous"},
                {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
                {"type":"Digits","individual_digits":false},
                {"type":"Split","pattern":{"Regex":"[0-9][0-9][0-9]"},"behavior":"Isolated","invert":false}]}""");
        try (GgufFile file = GgufFile.open(plain)) {
            CheckpointFolder checkpoint = new CheckpointFolder(file, CheckpointFolder.Form.PACKED_MULTIPLIED);
            checkpoint.tokenizer.set("pre_tokenizer", falcon);
            ObjectNode vocabulary = (ObjectNode) checkpoint.tokenizer.path("model").path("vocab");
            vocabulary.retain(vocabulary.propertyStream().filter(token -> token.getValue().asInt() < 256).map(Map.Entry::getKey).toList());
            vocabulary.put("12", 256).put("\u01201", 257);
            ((ArrayNode) checkpoint.tokenizer.path("model").path("merges")).removeAll().add("1 2").add("\u0120 1");
            checkpoint.write(folder.resolve("checkpoint"), 1);
        }
        Path converted = new CheckpointCache(folder.resolve("cache")).gguf(folder.resolve("checkpoint"), (written, total) -> {});
        try (BitNetModel model = BitNetModel.open(converted); Session session = model.newSession()) {
            String text = "in 1212?! 11";
            List<String> tokens = IntStream.of(model.tokenizer().encode(text))
                    .mapToObj(id -> new String(model.tokenizer().bytes(id), StandardCharsets.UTF_8)).toList();
            assertEquals(List.of("i", "n", " ", "12", "1", "2", "?", "!", " ", "1", "1"), tokens);
            assertEquals(text, model.tokenizer().decode(model.tokenizer().encode(text)));
            assertFalse(session.generate(text, GenerationOptions.tokens(8).withSampling(SamplingOptions.GREEDY)).text().isEmpty());
        }
    }

    @Test
    void whatIsNotKnownIsNamed() throws IOException {
        rejected("splits text by {\"type\":\"UnicodeScripts\"}, which is not known here; known: Sequence, Split",
                "{'type':'Sequence','pretokenizers':[{'type':'UnicodeScripts'},{'type':'ByteLevel'}]}");
        rejected("whose behavior is not known here; known: Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous",
                "{'type':'Punctuation','behavior':'Dropped'}");
        rejected("whose pattern is neither a Regex nor a String", "{'type':'Split','behavior':'Isolated','pattern':{}}");
        rejected("without ByteLevel", "{'type':'Digits'}");
        rejected("without ByteLevel", "null");
    }

    private static void rejected(String part, String json) throws IOException {
        JsonNode node = JSON.readTree(json.replace('\'', '"'));
        String message = assertThrows(IllegalArgumentException.class, () -> steps(node)).getMessage();
        assertTrue(message.contains(part), message);
    }
}
