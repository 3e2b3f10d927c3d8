package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatCommandTest {
    @TempDir
    Path folder;

    private static Cli chat(String input, String... more) {
        String[] arguments = new String[more.length + 3];
        arguments[0] = "chat";
        arguments[1] = "--temp";
        arguments[2] = "0";
        System.arraycopy(more, 0, arguments, 3, more.length);
        Cli result = Cli.runWithInput(input, arguments);
        assertEquals(0, result.status(), result.err());
        return result;
    }

    /** A model whose file has a template, such as {@code User: text<|eot_id|>Assistant: }. */
    private String templated() {
        Path model = folder.resolve("tiny.gguf");
        if (!Files.exists(model)) {
            Cli.ok("synth", model.toString(), "--preset", "tiny");
        }
        return model.toString();
    }

    @Test
    void eachLineIsAnswered() {
        JsonNode messages = chat("ROMEO:\n\nJULIET:\n", "-n", "8", "--json").json().get("messages");
        assertEquals(List.of("user", "assistant", "user", "assistant"),
                messages.valueStream().map(message -> message.get("role").asText()).toList());
        assertEquals("JULIET:", messages.get(2).get("content").asText());
    }

    @Test
    void standardOutputHasTheAnswersOnly() {
        String answers = chat("ROMEO:\n/stats\n", "-n", "8").out();
        assertEquals(Cli.ok("run", "-p", "ROMEO:\n", "-n", "8", "--temp", "0").out() + "\n", answers);
    }

    @Test
    void anAnswerReadsOnlyWhatIsNew() {
        String[] stats = chat("ROMEO:\n/stats\nJULIET:\n/stats\n", "-n", "16").err().split("\n");
        assertTrue(stats[0].matches("read 3 tokens, .*wrote 16 tokens, .*context: 19 of 512"), stats[0]);
        assertTrue(stats[1].matches("read [1-5] tokens, .*wrote 16 tokens.*"), stats[1]);
    }

    @Test
    void aSystemMessageComesFirstAndSurvivesAReset() {
        JsonNode messages = chat("hi\n/reset\nyou\n", "-m", templated(), "-n", "2", "--system", "Be brief.", "--json").json().get("messages");
        assertEquals(List.of("system", "user", "assistant"),
                messages.valueStream().map(message -> message.get("role").asText()).toList());
        assertEquals("Be brief.", messages.get(0).get("content").asText());
        assertEquals("you", messages.get(1).get("content").asText());
        JsonNode changed = chat("hi\n/system Be long.\n/system\n", "-m", templated(), "-n", "2", "--json").json().get("messages");
        assertEquals(0, changed.size());
    }

    @Test
    void aSavedChatGoesOn() throws IOException {
        Path file = folder.resolve("chat.json");
        String whole = chat("ROMEO:\nJULIET:\n", "-n", "8").out();
        String first = chat("ROMEO:\n/save " + file + "\n", "-n", "8").out();
        assertEquals(2, new ObjectMapper().readTree(file.toFile()).size());
        assertEquals(whole, first + chat("/load " + file + "\nJULIET:\n", "-n", "8").out());
    }

    @Test
    void aTemplateOfOnesOwnIsUsed() throws IOException {
        Path template = Files.writeString(folder.resolve("t.jinja"), "{% for m in messages %}{{ m['content'] | upper }}:\n{% endfor %}");
        assertEquals(Cli.ok("run", "-p", "ROMEO:\n", "-n", "8", "--temp", "0").out() + "\n",
                chat("romeo\n", "-n", "8", "--chat-template", template.toString()).out());
        assertNotEquals(chat("romeo\n", "-n", "8").out(), chat("romeo\n", "-n", "8", "--chat-template", template.toString()).out());
    }

    @Test
    void aFullContextIsSaid() {
        assertTrue(chat("ROMEO:\n", "-c", "16", "-n", "-1", "--ignore-eos").err().contains("the context of 16 tokens is full"));
        Cli second = Cli.runWithInput("ROMEO:\nJULIET:\n", "chat", "-c", "16", "-n", "-1", "--ignore-eos");
        assertEquals(1, second.status());
        assertTrue(second.err().contains("but the context holds 16; /reset starts anew"), second.err());
    }

    @Test
    void aScriptEndsAtItsFirstMistake() throws IOException {
        Path file = Files.writeString(folder.resolve("no.json"), "[{\"role\": \"wizard\", \"content\": \"\"}]");
        for (String line : new String[] {"/foo", "/load", "/load nope.json", "/load " + file, "/save /nowhere/x"}) {
            Cli result = Cli.runWithInput(line + "\nROMEO:\n", "chat");
            assertEquals(1, result.status(), line);
            assertEquals("", result.out(), line);
            assertEquals(1, result.err().lines().count(), result.err());
        }
        assertEquals(0, Cli.runWithInput("/exit\n/foo\n", "chat").status());
    }
}
