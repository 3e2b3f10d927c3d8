package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.DraftUse;
import io.github.bitnet4j.api.FinishReason;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.HeadUse;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.api.Timings;
import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet run}: continues a text. */
@Command(name = "run", sortOptions = true,
        description = {"Continue a text.",
                "%nStandard output gets what the model writes and nothing else; on a terminal the prompt is shown "
                + "before it. A line on standard error sums up. Ctrl-C ends the text where it is.%n"},
        footer = {"", "Examples:",
                "  bitnet run -p \"ROMEO:\"",
                "  bitnet run -m bitnet-2b-4t.gguf -f question.txt -n 256 --temp 0 > answer.txt",
                "  echo \"Once upon a time\" | bitnet run --seed 7 --stop \"The end\"",
                "  bitnet run --ids ids.json --json"})
final class RunCommand extends ModelCommand {
    /** A longer prompt is not shown again on the terminal, only its end. */
    private static final int ECHO_LIMIT = 400;

    @Mixin
    private PromptInput prompt;

    @Option(names = {"-n", "--predict"}, paramLabel = "N", order = 10,
            description = "Most tokens to generate; -1: until the model stops or the context is full (default: 128).")
    private int tokens = 128;

    @Mixin
    private SamplingArguments sampling;

    @Mixin
    private HeadArgument head;

    @Mixin
    private DraftArguments draft;

    RunCommand(Console console) {
        super(console);
    }

    private record Result(String model, String isa, int threads, int[] promptIds, int[] ids, String text,
                          String finishReason, JsonTimings timings, SamplingArguments.JsonSampling sampling, HeadUse headUse,
                          DraftUse draftUse) {}

    /** {@link Timings} in JSON. */
    record JsonTimings(int promptTokens, double promptMs, double promptTokensPerSecond, int generatedTokens,
                       double generationMs, double generationTokensPerSecond) {
        static JsonTimings of(Timings timings) {
            return new JsonTimings(timings.promptTokens(), Units.milliseconds(timings.prefill()),
                    timings.promptTokensPerSecond(), timings.generatedTokens(), Units.milliseconds(timings.decode()),
                    timings.generatedTokensPerSecond());
        }
    }

    @Override
    public Integer call() throws IOException {
        PromptInput.Prompt input = prompt.read(console);
        sampling.check(tokens);
        Draft guesses = draft.draft();
        try (BitNetModel model = open(modelOptions().withHead(head.mode())); Session session = model.newSession();
                Progress progress = new Progress(console, "prompt")) {
            int[] ids = input.encode(model.tokenizer());
            GenerationOptions options = sampling.options(tokens, model.samplingDefaults()).withDraft(guesses);
            try (Generation generation = session.generate(ids, options.withListener(progress::update));
                    Interrupts interrupts = new Interrupts(generation::cancel)) {
                if (!json && console.outIsTerminal() && console.errIsTerminal()) {
                    echo(model.tokenizer().decode(ids));
                }
                generate(generation, progress);
                report(model, ids, generation, options.sampling());
                return interrupts.requested() ? INTERRUPTED : OK;
            }
        }
    }

    /** The prompt in grey, so that what follows can be told from it. */
    private void echo(String text) {
        String shown = text.length() <= ECHO_LIMIT ? text : "..." + text.substring(text.length() - ECHO_LIMIT);
        console.err().print("\033[2m" + shown + "\033[0m");
        console.err().flush();
    }

    private void generate(Generation generation, Progress progress) {
        int printed = 0;
        while (generation.hasNext()) {
            progress.close();
            String piece = generation.next().text();
            printed += piece.length();
            if (!json) {
                console.out().print(piece).flush();
            }
        }
        progress.close();
        if (!json) { // what was held back when it ended
            console.out().print(generation.text().substring(printed)).flush();
        }
    }

    private void report(BitNetModel model, int[] ids, Generation generation, SamplingOptions settings) {
        Timings timings = generation.timings();
        String reason = generation.finishReason().map(FinishReason::label).orElseThrow();
        if (json) {
            Json.print(console.out(), new Result(modelPath().toString(), model.kernels().isa(), model.kernels().threads(), ids,
                    generation.ids(), generation.text(), reason, JsonTimings.of(timings),
                    SamplingArguments.JsonSampling.of(settings), generation.headUse(), generation.draftUse()));
            return;
        }
        if (console.outIsTerminal()) {
            console.out().println("").flush();
        } else if (console.isOnePlace().getAsBoolean()) { // the summary would go on with the text's last line
            console.err().println();
        }
        console.err().printf(Locale.ROOT, "prompt: %d tokens, %.1f tokens/s; generated: %d tokens, %.1f tokens/s; end: %s; "
                + "head: %s; drafts: %s%n",
                timings.promptTokens(), timings.promptTokensPerSecond(), timings.generatedTokens(),
                timings.generatedTokensPerSecond(), reason, HeadArgument.text(generation.headUse()),
                DraftArguments.text(generation.draftUse()));
    }
}
