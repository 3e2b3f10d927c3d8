package io.github.bitnet4j.chat;

import java.util.List;
import java.util.stream.Collectors;

/** Messages to a prompt. Immutable: any number of threads may use one. See {@link ChatTemplates#select} for which one. */
public sealed interface ChatTemplate permits BitNet2B4T, JinjaTemplate, PlainText {

    /** @return where the template comes from, for people */
    String description();

    /**
     * Makes the prompt of a conversation.
     *
     * @param messages            the conversation, the oldest message first
     * @param addGenerationPrompt whether the prompt ends where the model is to answer; otherwise after the last message
     * @return the prompt. It has the BOS token where the template says so: the caller puts one before it if the model expects one and
     *         it is not there
     * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
     */
    List<PromptPart> render(List<ChatMessage> messages, boolean addGenerationPrompt);

    /**
     * As {@link #render}, for people: this text must not be encoded with control tokens parsed if a message is not to be trusted.
     *
     * @param messages            the conversation, the oldest message first
     * @param addGenerationPrompt whether the prompt ends where the model is to answer
     * @return the text of all parts
     * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
     */
    default String renderText(List<ChatMessage> messages, boolean addGenerationPrompt) {
        return render(messages, addGenerationPrompt).stream().map(PromptPart::text).collect(Collectors.joining());
    }
}
