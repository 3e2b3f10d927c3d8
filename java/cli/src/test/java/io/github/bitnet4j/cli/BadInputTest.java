package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.bitnet4j.tokenizer.VocabularyException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every mistake ends in one line that says what, where and what to do: status 2 for the command line, 1 for the rest. */
class BadInputTest {
    @TempDir
    Path folder;

    private static void refused(int status, String part, String... arguments) {
        Cli result = Cli.run(arguments);
        assertEquals(status, result.status(), result.err());
        assertEquals("", result.out());
        assertTrue(result.err().startsWith("bitnet: error: "), result.err());
        assertEquals(1, result.err().lines().count(), result.err());
        assertTrue(result.err().contains(part), result.err());
    }

    private String file(String content) throws IOException {
        return Files.writeString(folder.resolve("file"), content).toString();
    }

    @Test
    void commands() {
        refused(2, "there is no command; give one of run, chat, ");
        refused(2, "there is no command 'rnu'", "rnu");
        refused(2, "Unknown option: '--foo'", "--foo");
    }

    @Test
    void options() {
        refused(2, "did you mean --temp? (see 'bitnet run --help')", "run", "-p", "x", "--tempp", "1");
        refused(2, "'--temp': 'abc'", "run", "-p", "x", "--temp", "abc");
        refused(2, "temperature is -1.0", "run", "-p", "x", "--temp", "-1");
        refused(2, "top-p is 2.0", "run", "-p", "x", "--top-p", "2");
        refused(2, "-n -5 is no number of tokens", "run", "-p", "x", "-n", "-5");
        refused(2, "threads is 999", "run", "-p", "x", "-t", "999");
        refused(2, "-t takes one number", "run", "-p", "x", "-t", "1,2");
        refused(2, "contextLength is -1", "run", "-p", "x", "-c", "-1");
        refused(2, "--kv is 'int4'; it must be f16, int8 or f32", "run", "-p", "x", "--kv", "int4");
        refused(2, "stop string is empty", "run", "-p", "x", "--stop", "");
        refused(2, "only once", "run", "-p", "x", "-p", "y");
        refused(2, "Missing required parameter", "run", "-p", "x", "-n");
        refused(2, "--isa is 'foo'; it must be auto, scalar, ", "run", "-p", "x", "--isa", "foo");
        refused(2, "--target is 'zen5'; it must be auto, scalar, ", "optimize", "a.gguf", "-o", "b.gguf", "--target", "zen5");
    }

    @Test
    void prompts() throws IOException {
        refused(2, "-p, -f and --ids exclude each other", "run", "-p", "x", "-f", "y");
        refused(1, "nope.txt: there is no such file", "run", "-f", "nope.txt");
        refused(1, folder + " is a folder", "run", "-f", folder.toString());
        refused(1, "entry 2, 'x', is not a token id", "run", "--ids", file("[1, x]"));
        refused(1, "not closed", "run", "--ids", file("[1, 2"));
        refused(1, "there is more after", "run", "--ids", file("[1, 2] 3"));
        refused(1, "token id 99999 is outside the vocabulary of 2048", "run", "--ids", file("99999"));
        refused(1, "the prompt has 600 tokens but the context has room for 512", "run", "--ids", file("1 ".repeat(600)));
        Files.write(folder.resolve("latin1"), new byte[] {'a', (byte) 0xE9, 'b'});
        refused(1, "is not UTF-8 text", "run", "-f", folder.resolve("latin1").toString());
    }

    @Test
    void models() throws IOException {
        refused(1, "nope.gguf: there is no such file", "run", "-p", "x", "-m", "nope.gguf");
        refused(1, "not a GGUF file", "run", "-p", "x", "-m", file("These are no weights, whatever they say."));
        refused(1, "is a folder without config.json; inspect takes", "inspect", folder.toString());
        refused(1, "is a folder without config.json", "run", "-p", "x", "-m", folder.toString());
        byte[] model = Files.readAllBytes(Cli.HOME.resolve("models/shakespeare.gguf"));
        Files.write(folder.resolve("half"), Arrays.copyOf(model, model.length / 2));
        refused(1, "truncated", "run", "-p", "x", "-m", folder.resolve("half").toString());
    }

    @Test
    void outputs() throws IOException {
        refused(2, "Missing required option: '--output=OUT.npy'", "logits", "-p", "x");
        refused(1, "there is no folder", "logits", "-p", "x", "-o", "/nowhere/x.npy");
        refused(2, "Missing required", "synth", "--preset", "tiny");
        refused(2, "no preset 'tny'; known are 2b-4t", "synth", "--preset", "tny", folder.resolve("m").toString());
        refused(2, "zeros must be 0 to 1", "synth", "--preset", "tiny", "--zeros", "1.5", folder.resolve("m").toString());
        refused(1, "replace it with --force", "synth", "--preset", "tiny", file(""));
    }

    @Test
    void measurements() throws IOException {
        refused(1, "fewer than one chunk of 512", "perplexity", "-p", "too short");
        refused(2, "leaves nothing to score", "perplexity", "-p", "x", "-c", "2");
        refused(2, "-p -1 is no number of tokens", "bench", "-p", "-1");
        refused(2, "-r 0 measures nothing", "bench", "-r", "0");
        refused(2, "there is no test", "bench", "-p", "0", "-n", "0");
        refused(2, "'-o'", "bench", "-o", "xml");
        refused(2, "--load is 'fast'; it must be mmap or hugepages", "bench", "--load", "fast");
        refused(2, "--draft is 'fast'; it must be lookup or none", "run", "--draft", "fast");
        refused(2, "a draft of 16 tokens; it must be 1 to 15", "run", "--draft-max", "16");
        refused(2, "a draft of 0 tokens; it must be 1 to 15", "chat", "--draft-max", "0");
        refused(2, "--head is 'fast'; it must be auto, exact or two-pass", "bench", "--head", "fast");
        refused(1, "line 2 is not a JSON string", "tokenize", "--jsonl", file("\"a\"\nfoo\n"));
    }

    @Test
    void aStackTraceComesOnlyWhenAskedFor() {
        Cli result = Cli.run("run", "-p", "x", "-m", "nope.gguf", "--verbose");
        assertEquals(1, result.status());
        assertTrue(result.err().contains("NoSuchFileException"), result.err());
        assertTrue(result.err().lines().toList().getLast().startsWith("bitnet: error: "), result.err());
    }

    /** An expression of the file that finds no end in a text, for one. */
    @Test
    void whatAVocabularyCannotDoIsToldInItsWords() {
        assertEquals("it has found no end", Errors.sentence(new VocabularyException("it has found no end")));
    }
}
