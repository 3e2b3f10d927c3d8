package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Where the lines of a chat come from: a terminal with line editing and history, or a script. */
sealed interface ChatLines extends AutoCloseable {

    /** The next line; empty at the end of input. */
    Optional<String> read() throws IOException;

    /** Runs work that Ctrl-C ends through {@code stop}, where Ctrl-C can be caught. */
    void interruptible(Runnable stop, Runnable work);

    @Override
    void close() throws IOException;

    static ChatLines of(Console console) throws IOException {
        return console.inIsTerminal() && console.outIsTerminal() ? new Edited() : new Plain(console);
    }

    /** Lines edited on a terminal. */
    final class Edited implements ChatLines {
        private static final String PROMPT = "> ";

        private final Terminal terminal = TerminalBuilder.builder().system(true).name("bitnet").build();
        private final LineReader reader = LineReaderBuilder.builder().terminal(terminal)
                .completer(new StringsCompleter(ChatCommands.NAMES))
                .variable(LineReader.HISTORY_FILE, history())
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // an exclamation mark is one
                .build();

        private Edited() throws IOException {}

        /** {@code $XDG_STATE_HOME/bitnet4j/chat_history}, where lines of former chats are kept. */
        private static Path history() throws IOException {
            String state = System.getenv("XDG_STATE_HOME");
            Path folder = (state == null || state.isEmpty() ? Path.of(System.getProperty("user.home"), ".local", "state") : Path.of(state))
                    .resolve("bitnet4j");
            Files.createDirectories(folder);
            return folder.resolve("chat_history");
        }

        @Override
        public Optional<String> read() {
            while (true) {
                try {
                    return Optional.of(reader.readLine(PROMPT));
                } catch (UserInterruptException e) {
                    terminal.writer().println("(Ctrl-D or /exit leaves)");
                } catch (EndOfFileException e) {
                    return Optional.empty();
                }
            }
        }

        @Override
        public void interruptible(Runnable stop, Runnable work) {
            Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> stop.run());
            try {
                work.run();
            } finally {
                terminal.handle(Terminal.Signal.INT, before);
            }
        }

        @Override
        public void close() throws IOException {
            terminal.close();
        }
    }

    /** Lines as they come. */
    final class Plain implements ChatLines {
        private final BufferedReader reader;

        private Plain(Console console) {
            reader = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8.newDecoder()));
        }

        @Override
        public Optional<String> read() throws IOException {
            try {
                return Optional.ofNullable(reader.readLine());
            } catch (CharacterCodingException e) {
                throw new BitNetException("standard input is not UTF-8 text", e);
            }
        }

        @Override
        public void interruptible(Runnable stop, Runnable work) {
            work.run();
        }

        @Override
        public void close() {}
    }
}
