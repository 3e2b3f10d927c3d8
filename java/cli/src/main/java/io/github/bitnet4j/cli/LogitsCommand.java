package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.model.KvPrecision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet logits}: the logits after every token, for other programs to compare with. */
@Command(name = "logits", sortOptions = true,
        description = {"Write the logits after each token of a text.",
                "%nThe file is in the format of NumPy: float32 [tokens][vocabulary].%n"},
        footer = {"", "Examples:",
                "  bitnet logits -p \"To be, or not to be\" -o logits.npy",
                "  bitnet logits --ids ids.json -o logits.npy",
                "  python3 -c \"import numpy; print(numpy.load('logits.npy').argmax(1))\""})
final class LogitsCommand extends ModelCommand {
    @Mixin
    private PromptInput prompt;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT.npy", order = 5, description = "The file to write.")
    private Path output;

    LogitsCommand(Console console) {
        super(console);
    }

    private record Result(String model, String output, int tokens, int vocabulary, int[] promptIds) {}

    @Override
    KvPrecision defaultKvPrecision() {
        return KvPrecision.F32;
    }

    @Override
    public Integer call() throws IOException {
        requireFolder(output);
        PromptInput.Prompt input = prompt.read(console);
        try (BitNetModel model = open(); Session session = model.newSession()) {
            int[] ids = input.encode(model.tokenizer());
            if (ids.length == 0) {
                throw new BitNetException("there are no tokens; give a text or ids that are not empty");
            }
            if (ids.length > session.remaining()) {
                throw new BitNetException("the text has " + ids.length + " tokens but the context has room for "
                        + session.remaining() + "; shorten it or raise -c");
            }
            int vocabulary = model.info().vocabulary();
            try (NpyWriter npy = new NpyWriter(output, NpyWriter.Type.FLOAT32, ids.length, vocabulary);
                    Progress progress = new Progress(console, "logits")) {
                session.evaluate(ids, 0, (index, logits) -> {
                    write(npy, logits);
                    progress.update(index + 1, ids.length);
                });
            }
            report(new Result(modelPath().toString(), output.toString(), ids.length, vocabulary, ids));
        }
        return OK;
    }

    private static void write(NpyWriter npy, float[] logits) {
        try {
            npy.writeRow(logits);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.err().println(result.output() + ": float32 [" + result.tokens() + "][" + result.vocabulary() + "]");
        }
    }
}
