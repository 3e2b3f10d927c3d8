package io.github.bitnet4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** A page of English prose, verse and code, for what a model does with text. */
final class SampleText {
    private SampleText() {}

    static String read() throws IOException {
        try (InputStream page = SampleText.class.getResourceAsStream("sample.txt")) {
            return new String(page.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
