package io.github.bitnet4j.chat;

import java.util.ArrayList;
import java.util.List;

/**
 * The format of microsoft/bitnet-b1.58-2B-4T: BOS once, for each message {@code Role: text<|eot_id|>} without any line end, then
 * {@code Assistant: }. Source: {@code chat_template} in that model's {@code tokenizer_config.json}; its published GGUF carries
 * another, which the model was not trained on.
 */
public final class BitNet2B4T implements ChatTemplate {

    static final String END_OF_TURN = "<|eot_id|>";

    private final ChatFacts facts;

    /** @param facts of the model */
    BitNet2B4T(ChatFacts facts) {
        this.facts = facts;
    }

    @Override
    public String description() {
        return "built in for bitnet-b1.58-2B-4T";
    }

    @Override
    public List<PromptPart> render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        List<PromptPart> parts = new ArrayList<>();
        if (!messages.isEmpty()) {
            facts.bosToken().map(PromptPart::control).ifPresent(parts::add);
        }
        for (ChatMessage message : messages) {
            parts.add(PromptPart.plain(name(message.role()) + ": " + PythonStrings.strip(message.content())));
            parts.add(PromptPart.control(END_OF_TURN));
        }
        if (addGenerationPrompt) {
            parts.add(PromptPart.plain("Assistant: "));
        }
        return parts;
    }

    private static String name(Role role) {
        return switch (role) {
            case SYSTEM -> "System";
            case USER -> "User";
            case ASSISTANT -> "Assistant";
        };
    }
}
