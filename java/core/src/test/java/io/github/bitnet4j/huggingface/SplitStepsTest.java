package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.Splits;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;

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
