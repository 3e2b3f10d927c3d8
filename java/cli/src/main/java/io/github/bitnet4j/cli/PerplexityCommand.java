package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.tokenizer.Tokenizer;
import io.github.bitnet4j.model.KvPrecision;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code bitnet perplexity}: how well a model predicts a text, comparable with published figures. */
@Command(name = "perplexity", sortOptions = true,
        description = {"Measure how well a model predicts a text.",
                "%nAs in llama.cpp, the text is cut into chunks of -c tokens (default: 512), each starts with BOS in "
                + "place of its first token, and the tokens of its second half are scored.%n"},
        footer = {"", "Examples:",
                "  bitnet perplexity -m bitnet-2b-4t.gguf -f wiki.test.raw",
                "  bitnet perplexity -f hamlet.txt -c 256 --json"})
final class PerplexityCommand extends ModelCommand {
    private static final int CHUNK = 512;

    @Mixin
    private PromptInput prompt;

    PerplexityCommand(Console console) {
        super(console);
    }

    private record Result(String model, String isa, int threads, double perplexity, double error, double meanNll,
                          int chunks, int ctx, int tokensScored, double seconds, double tokensPerSecond) {}

    @Override
    KvPrecision defaultKvPrecision() {
        return KvPrecision.F32;
    }

    @Override
    public Integer call() throws IOException {
        int chunk = ctx(CHUNK);
        if (chunk < 4) {
            throw new UsageException("-c " + chunk + " leaves nothing to score; chunks have 4 tokens or more");
        }
        PromptInput.Prompt input = prompt.read(console);
        try (BitNetModel model = open(modelOptions().withContextLength(chunk)); Session session = model.newSession()) {
            int[] ids = input.encode(model.tokenizer());
            int chunks = ids.length / chunk;
            if (chunks == 0) {
                throw new BitNetException("the text has " + ids.length + " tokens, fewer than one chunk of " + chunk
                        + "; give more text or a smaller chunk (-c)");
            }
            long start = System.nanoTime();
            Perplexity perplexity = score(session, ids, chunk, chunks);
            double seconds = (System.nanoTime() - start) / 1e9;
            report(new Result(modelPath().toString(), model.kernels().isa(), model.kernels().threads(), perplexity.value(),
                    perplexity.error(), perplexity.mean(), chunks, chunk, perplexity.count(), seconds,
                    chunks * chunk / seconds));
        }
        return OK;
    }

    private Perplexity score(Session session, int[] ids, int chunk, int chunks) {
        Tokenizer tokenizer = session.model().tokenizer();
        Perplexity perplexity = new Perplexity();
        try (Progress progress = new Progress(console, "perplexity")) {
            for (int i = 0; i < chunks; i++) {
                int[] tokens = Arrays.copyOfRange(ids, i * chunk, (i + 1) * chunk);
                if (tokenizer.addBos() && tokenizer.bos().isPresent()) {
                    tokens[0] = tokenizer.bos().getAsInt();
                }
                session.rewind(0);
                session.evaluate(tokens, chunk / 2, (index, logits) -> {
                    if (index < chunk - 1) {
                        perplexity.add(logits, tokens[index + 1]);
                    }
                });
                progress.update(i + 1, chunks, String.format(Locale.ROOT, "%d/%d chunks, %.4f", i + 1, chunks, perplexity.value()));
            }
        }
        return perplexity;
    }

    private void report(Result result) {
        if (json) {
            Json.print(console.out(), result);
        } else {
            console.out().printf("perplexity %.4f ± %.4f (%d chunks of %d, %d tokens scored)%n", result.perplexity(),
                    result.error(), result.chunks(), result.ctx(), result.tokensScored());
            console.err().printf(Locale.ROOT, "%.1f s, %.1f tokens/s, %s, %d threads%n", result.seconds(),
                    result.tokensPerSecond(), result.isa(), result.threads());
        }
    }
}
