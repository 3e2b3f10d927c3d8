package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
    private static final String TEXT = "KING RICHARD III:\n";

    @TempDir
    Path folder;

    @Test
    void idsAreOneJsonArrayWithBosInFront() {
        assertEquals("[2045,453,672,916,268]\n", Cli.ok("tokenize", "-p", TEXT).out());
        assertEquals("[453,672,916,268]\n", Cli.ok("tokenize", "-p", TEXT, "--no-bos").out());
        assertEquals("[2045,453,672,916,268]\n", Cli.runWithInput(TEXT, "tokenize").out());
    }

    @Test
    void jsonNamesTheTokens() {
        JsonNode result = Cli.ok("tokenize", "-p", TEXT, "--no-bos", "--json").json();
        assertArrayEquals(new int[] {453, 672, 916, 268}, Cli.ints(result.get("ids")));
        assertEquals(TEXT, String.join("", result.get("tokens").valueStream().map(JsonNode::asText).toList()));
    }

    @Test
    void jsonLinesHaveNoBos() throws IOException {
        Path lines = Files.writeString(folder.resolve("texts.jsonl"), "\"KING RICHARD III:\\n\"\n\"\"\n\"caf\\u00e9\"\n");
        String[] ids = Cli.ok("tokenize", "--jsonl", lines.toString()).out().split("\n");
        assertEquals(3, ids.length);
        assertEquals("[453,672,916,268]", ids[0]);
        assertEquals("[]", ids[1]);
        Path back = Files.writeString(folder.resolve("ids.jsonl"), String.join("\n", ids) + "\n");
        assertEquals("\"KING RICHARD III:\\n\"\n\"\"\n\"café\"\n", Cli.ok("tokenize", "--decode", "--jsonl", back.toString()).out());
    }

    @Test
    void decodingGivesTheTextBack() throws IOException {
        String text = "To be, or not to be – “that” is 😀\r\n\t";
        Path ids = Files.writeString(folder.resolve("ids.json"), Cli.ok("tokenize", "-p", text).out());
        assertEquals(text, Cli.ok("tokenize", "--decode", "--ids", ids.toString()).out());
        assertEquals(text, Cli.ok("tokenize", "--decode", "-f", ids.toString(), "--json").json().get("text").asText());
    }
}
