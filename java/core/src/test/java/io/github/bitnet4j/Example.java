package io.github.bitnet4j;

import io.github.bitnet4j.api.*;
import java.nio.file.Path;

class Example {
    public static void main(String[] args) {
        try (BitNetModel model = BitNetModel.open(Path.of("models/shakespeare.gguf"));
             Session session = model.newSession();
             Generation generation = session.generate("ROMEO:", GenerationOptions.tokens(64))) {
            generation.forEachRemaining(token -> System.out.print(token.text()));
            System.out.printf("%n%s after %.0f tokens/s%n", generation.finishReason().orElseThrow(),
                    generation.timings().generatedTokensPerSecond());
        }
    }
}
