package io.github.bitnet4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.WholeFile;
import io.github.bitnet4j.chat.ChatMessage;
import io.github.bitnet4j.chat.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The lines of a chat that begin with a slash. */
final class ChatCommands {
    static final List<String> NAMES = List.of("/reset", "/system", "/save", "/load", "/stats", "/help", "/exit");

    private static final String HELP = """
            /reset          forget the chat, keep the system message
            /system TEXT    set the system message, or without TEXT remove it, and start anew
            /save FILE      save the chat as JSON
            /load FILE      continue a saved chat
            /stats          tokens, speed and context of the last answer
            /help           this
            /exit           leave, as Ctrl-D does; Ctrl-C stops an answer""";

    private final Conversation conversation;

    ChatCommands(Conversation conversation) {
        this.conversation = conversation;
    }

    static boolean isCommand(String line) {
        return line.startsWith("/");
    }

    static boolean isExit(String line) {
        return line.equals("/exit") || line.equals("/quit");
    }

    /**
     * Obeys a line.
     *
     * @param stats what /stats shows
     * @return what to tell the user
     */
    String obey(String line, String stats) throws IOException {
        String[] words = line.split("\\s+", 2);
        String argument = words.length == 1 ? "" : words[1].strip();
        return switch (words[0]) {
            case "/reset" -> {
                conversation.reset();
                yield "a new chat";
            }
            case "/system" -> {
                conversation.reset();
                conversation.system(argument);
                yield argument.isEmpty() ? "a new chat without a system message" : "a new chat with this system message";
            }
            case "/save" -> save(file(words[0], argument));
            case "/load" -> load(file(words[0], argument));
            case "/stats" -> stats;
            case "/help" -> HELP;
            default -> throw new BitNetException("there is no command " + words[0] + "; /help lists them");
        };
    }

    private static Path file(String command, String argument) {
        if (argument.isEmpty()) {
            throw new BitNetException(command + " needs the name of a file");
        }
        return Path.of(argument);
    }

    private String save(Path file) throws IOException {
        List<Saved> saved = conversation.messages().stream().map(Saved::of).toList();
        WholeFile.write(file, new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsBytes(saved));
        return "saved " + saved.size() + " messages to " + file;
    }

    private String load(Path file) throws IOException {
        try {
            List<Saved> saved = new ObjectMapper().readValue(Files.readAllBytes(file), new TypeReference<>() {});
            conversation.replace(saved.stream().map(Saved::message).toList());
            return "loaded " + saved.size() + " messages from " + file;
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new BitNetException(file + " is no chat: it must be a JSON array of objects with 'role' (system, user or"
                    + " assistant) and 'content'", e);
        }
    }

    /** A message in JSON, as chat services have it. */
    record Saved(String role, String content) {
        static Saved of(ChatMessage message) {
            return new Saved(message.role().templateName(), message.content());
        }

        ChatMessage message() {
            if (role == null || content == null) {
                throw new IllegalArgumentException("a message lacks its role or its content");
            }
            return new ChatMessage(Role.valueOf(role.toUpperCase(Locale.ROOT)), content);
        }
    }
}
