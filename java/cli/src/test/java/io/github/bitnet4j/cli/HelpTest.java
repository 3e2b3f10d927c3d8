package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {
    @Test
    void theProgramListsItsCommands() {
        Cli result = Cli.ok("--help");
        assertEquals("", result.err());
        for (String name : new String[] {"run", "chat", "embed", "tokenize", "inspect", "logits", "perplexity", "bench", "synth", "optimize", "convert", "doctor", "tune", "pull", "list", "rm"}) {
            assertTrue(result.out().contains("\n  " + name + " "), name);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "chat", "embed", "tokenize", "inspect", "logits", "perplexity", "bench", "synth", "optimize", "convert", "doctor", "tune", "pull", "list", "rm"})
    void everyCommandHasExamples(String name) {
        Cli result = Cli.ok(name, "--help");
        assertTrue(result.out().startsWith("Usage: bitnet " + name), result.out());
        assertTrue(result.out().contains("Examples:"), result.out());
        assertTrue(result.out().contains("--json") && result.out().contains("--verbose"), result.out());
    }

    @Test
    void theVersionIsOneLine() {
        assertTrue(Cli.ok("--version").out().matches("bitnet \\S.*\\R"));
    }
}
