package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.FinishReason;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.api.Timings;
import io.github.bitnet4j.chat.ChatTemplate;
import io.github.bitnet4j.chat.ChatTemplateException;
import io.github.bitnet4j.chat.PlainText;
import io.github.bitnet4j.draft.Draft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bitnet chat}: a conversation with a model that was trained for it. */
@Command(name = "chat", sortOptions = true,
        description = {"Talk with a model.",
                "%nOn a terminal lines can be edited and /help lists commands; otherwise each line of standard input is "
                + "a message. Ctrl-C stops an answer, Ctrl-D leaves.%n"},
        footer = {"", "Examples:",
                "  bitnet chat -m bitnet-2b-4t.gguf --system \"You answer in one sentence.\"",
                "  echo \"What is a ternary weight?\" | bitnet chat -m bitnet-2b-4t.gguf --temp 0"})
final class ChatCommand extends ModelCommand {
    private static final int UNTIL_STOP = -1;
    /** Without a template nothing tells the model where an answer ends. */
    private static final int PLAIN_TOKENS = 128;
    private static final List<String> BUILT_IN = List.of("bitnet", "plain");

    @Option(names = "--system", paramLabel = "S", order = 1, description = "The system message.")
    private String system = "";

    @Option(names = "--chat-template", paramLabel = "FILE", order = 2, description = "A Jinja template to use instead of the"
            + " model's own; 'bitnet': that of bitnet-b1.58-2B-4T, 'plain': none, the model continues the text.")
    private String template;

    @Option(names = {"-n", "--predict"}, paramLabel = "N", order = 10,
            description = "Most tokens of an answer; -1: until the model stops (default: -1, and 128 without a template).")
    private Integer tokens;

    @Mixin
    private SamplingArguments sampling;

    @Mixin
    private HeadArgument head;

    @Mixin
    private DraftArguments draft;

    private GenerationOptions options;
    private ChatLines lines;
    private Conversation conversation;
    private String stats = "no answer yet";

    ChatCommand(Console console) {
        super(console);
    }

    private record Result(String model, List<ChatCommands.Saved> messages) {}

    @Override
    public Integer call() throws IOException {
        sampling.check(tokens == null ? UNTIL_STOP : tokens);
        Draft guesses = draft.draft();
        try (BitNetModel model = open(modelOptions().withHead(head.mode())); Session session = model.newSession();
                ChatLines input = ChatLines.of(console)) {
            lines = input;
            ChatTemplate format = template(model);
            conversation = new Conversation(session, format);
            conversation.system(system);
            int limit = tokens != null ? tokens : format instanceof PlainText ? PLAIN_TOKENS : UNTIL_STOP;
            options = sampling.options(limit, model.samplingDefaults()).withDraft(guesses);
            if (console.inIsTerminal()) {
                tell(model.info().name() + ", " + model.kernels().isa() + ", " + model.kernels().threads()
                        + " threads, template " + format.description() + "; " + SamplingArguments.text(options.sampling())
                        + ". /help lists commands.");
            }
            converse(session);
            if (json) {
                Json.print(console.out(), new Result(modelPath().toString(),
                        conversation.messages().stream().map(ChatCommands.Saved::of).toList()));
            }
        }
        return OK;
    }

    private ChatTemplate template(BitNetModel model) throws IOException {
        Path file = template == null || BUILT_IN.contains(template) ? null : Path.of(template);
        return model.chatTemplate(file == null ? Optional.ofNullable(template) : Optional.of(Files.readString(file)));
    }

    private void converse(Session session) throws IOException {
        ChatCommands commands = new ChatCommands(conversation);
        for (Optional<String> line = lines.read(); line.isPresent(); line = lines.read()) {
            String text = line.get().strip();
            if (ChatCommands.isExit(text)) {
                return;
            }
            try {
                if (ChatCommands.isCommand(text)) {
                    tell(commands.obey(text, stats));
                } else if (!text.isEmpty()) {
                    answer(session, text);
                }
            } catch (BitNetException | ChatTemplateException | IOException e) {
                if (!console.inIsTerminal()) {
                    throw e; // a script must not go on as if nothing had happened
                }
                tell(Errors.sentence(e));
            }
        }
    }

    private void answer(Session session, String text) {
        try (Progress progress = new Progress(console, "reading");
                Generation generation = conversation.ask(text, options.withListener(progress::update))) {
            lines.interruptible(generation::cancel, () -> stream(generation, progress));
            conversation.answered(generation.text());
            FinishReason reason = generation.finishReason().orElseThrow();
            if (reason == FinishReason.CONTEXT_FULL) {
                tell("the context of " + session.model().contextLength() + " tokens is full; /reset starts anew");
            }
            stats = stats(generation, session, reason);
        }
    }

    private void stream(Generation generation, Progress progress) {
        while (generation.hasNext()) {
            progress.close();
            String piece = generation.next().text();
            if (!json) {
                console.out().print(piece).flush();
            }
        }
        progress.close();
        if (!json) {
            console.out().println("").flush();
        }
    }

    private static String stats(Generation generation, Session session, FinishReason reason) {
        Timings timings = generation.timings();
        return String.format(Locale.ROOT, "read %d tokens, %.1f tokens/s; wrote %d tokens, %.1f tokens/s; end: %s; drafts: %s; "
                + "context: %d of %d",
                timings.promptTokens(), timings.promptTokensPerSecond(), timings.generatedTokens(),
                timings.generatedTokensPerSecond(), reason.label(), DraftArguments.text(generation.draftUse()),
                session.position(), session.model().contextLength());
    }

    /** Words of the program itself: not part of the conversation, so not on standard output. */
    private void tell(String text) {
        console.err().println(text);
    }
}
