package io.github.bitnet4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README's Java example is {@link Example}, which therefore compiles, and it runs. Tests run in java/core. */
class ReadmeExampleTest {
    private static final Path ROOT = Path.of("../..");
    private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void readmeShowsTheExample() throws IOException {
        Matcher block = BLOCK.matcher(Files.readString(ROOT.resolve("README.md")));
        assertTrue(block.find(), "README.md has no ```java block");
        String source = Files.readString(Path.of("src/test/java/io/github/bitnet4j/Example.java"));
        assertEquals(source.replaceFirst("package .*;\n\n", ""), block.group(1));
    }

    @Test
    void exampleRuns() throws IOException, InterruptedException {
        String output = ChildJvm.run(Example.class, ROOT);
        assertTrue(output.matches("(?s).*[A-Za-z]{3}.*\nLENGTH after \\d+ tokens/s\n"), output);
    }
}
