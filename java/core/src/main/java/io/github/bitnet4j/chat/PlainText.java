package io.github.bitnet4j.chat;

import java.util.List;
import java.util.stream.Collectors;

/**
 * For a model that knows no chat format: it just continues the text of the conversation. The messages follow each other, each on its
 * own line, with nothing that says whose they are.
 */
public final class PlainText implements ChatTemplate {

    PlainText() {}

    @Override
    public String description() {
        return "none: the model continues the plain text of the messages (--chat-template sets one)";
    }

    @Override
    public List<PromptPart> render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        String text = messages.stream().map(ChatMessage::content).collect(Collectors.joining("\n"));
        return List.of(PromptPart.plain(addGenerationPrompt ? text + "\n" : text));
    }
}
