package io.github.bitnet4j.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program {@code bitnet}. Exit status: 0, 1 for a failure, 2 for a mistake on the command line, 130 after Ctrl-C. */
@Command(name = "bitnet", versionProvider = Main.Version.class, synopsisSubcommandLabel = "COMMAND",
        description = "Ternary (BitNet b1.58) language models on the CPU.%n",
        footer = {"", "Examples:",
                "  bitnet run -p \"ROMEO:\"                   continue a text with the bundled model",
                "  bitnet chat -m bitnet-2b-4t.gguf         talk with a model",
                "  bitnet bench -m bitnet-2b-4t.gguf        how fast is it here?",
                "  bitnet COMMAND --help                    options and examples of a command"})
public final class Main {
    private static final int USAGE = 2;
    private static final int USAGE_WIDTH = 110;
    private static final List<String> COMMANDS = List.of("run", "chat", "embed", "tokenize", "inspect", "logits", "perplexity",
            "bench", "tune", "synth", "optimize", "convert", "pull", "list", "rm", "doctor");

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    private boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version.")
    private boolean version;

    private Main() {}

    /** Runs the program and ends the process. */
    public static void main(String[] arguments) {
        int status = run(Console.ofProcess(), arguments);
        Interrupts.finished();
        System.exit(status);
    }

    /** Runs the program and gives its exit status. */
    static int run(Console console, String... arguments) {
        CommandLine line = commandLine(console, arguments);
        try {
            ParseResult parsed = line.parseArgs(arguments);
            Integer helped = CommandLine.executeHelpRequest(parsed);
            if (helped != null) {
                return helped;
            }
            ParseResult chosen = parsed.subcommand();
            if (chosen == null) {
                throw new UsageException("there is no command; give one of " + String.join(", ", COMMANDS));
            }
            return execute(console, chosen.commandSpec().commandLine().getCommand());
        } catch (UsageException | ParameterException e) {
            String name = e instanceof ParameterException p ? p.getCommandLine().getCommandSpec().qualifiedName()
                    : named(arguments);
            return fail(console, USAGE, usageSentence(e) + " (see '" + name + " --help')");
        }
    }

    private static String named(String[] arguments) {
        return arguments.length > 0 && COMMANDS.contains(arguments[0]) ? "bitnet " + arguments[0] : "bitnet";
    }

    /** Only the command that is asked for is built, to start quickly; all of them for help and for suggestions. */
    private static CommandLine commandLine(Console console, String[] arguments) {
        CommandLine line = new CommandLine(new Main());
        boolean known = arguments.length > 0 && COMMANDS.contains(arguments[0]);
        for (String name : known ? List.of(arguments[0]) : COMMANDS) {
            line.addSubcommand(name, command(name, console));
        }
        // Arguments are prompts too: "@home" is no file of arguments.
        return line.setExpandAtFiles(false).setCaseInsensitiveEnumValuesAllowed(true).setUsageHelpWidth(USAGE_WIDTH)
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
                .setOut(new PrintWriter(console.out().asStream(), false, StandardCharsets.UTF_8));
    }

    private static BitNetCommand command(String name, Console console) {
        return switch (name) {
            case "run" -> new RunCommand(console);
            case "chat" -> new ChatCommand(console);
            case "embed" -> new EmbedCommand(console);
            case "tokenize" -> new TokenizeCommand(console);
            case "inspect" -> new InspectCommand(console);
            case "logits" -> new LogitsCommand(console);
            case "perplexity" -> new PerplexityCommand(console);
            case "bench" -> new BenchCommand(console);
            case "synth" -> new SynthCommand(console);
            case "optimize" -> new OptimizeCommand(console);
            case "convert" -> new ConvertCommand(console);
            case "doctor" -> new DoctorCommand(console);
            case "tune" -> new TuneCommand(console);
            case "pull" -> new PullCommand(console);
            case "list" -> new ListCommand(console);
            case "rm" -> new RemoveCommand(console);
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static int execute(Console console, BitNetCommand command) {
        logging(command.verbose);
        try {
            int status = command.call();
            console.out().flush();
            return status;
        } catch (UsageException e) {
            throw e;
        } catch (Output.WriteException e) {
            return e.readerLeft() ? BitNetCommand.OK : fail(console, BitNetCommand.FAILED, Errors.sentence(e));
        } catch (Exception | Error e) {
            if (command.verbose) {
                e.printStackTrace(console.err());
            }
            return fail(console, BitNetCommand.FAILED, Errors.sentence(e));
        }
    }

    /** Before any class makes a logger: SLF4J's simple logger reads its level once. */
    private static void logging(boolean verbose) {
        if (verbose) {
            System.setProperty("org.slf4j.simpleLogger.log.io.github.bitnet4j", "debug");
        }
    }

    private static int fail(Console console, int status, String sentence) {
        console.err().println("bitnet: error: " + sentence);
        return status;
    }

    private static String usageSentence(RuntimeException e) {
        String text = e.getMessage();
        if (e instanceof UnmatchedArgumentException unmatched) {
            if (unmatched.getCommandLine().getParent() == null && !unmatched.getUnmatched().getFirst().startsWith("-")) {
                text = "there is no command '" + unmatched.getUnmatched().getFirst() + "'";
            }
            List<String> suggestions = unmatched.getSuggestions();
            text += suggestions.isEmpty() ? "" : "; did you mean " + String.join(" or ", suggestions) + "?";
        }
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    /** The version of the build. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"bitnet " + (version == null ? "(development build)" : version)};
        }
    }
}
