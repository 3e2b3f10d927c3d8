package io.github.bitnet4j.chat;

import java.util.Optional;

/** Which template a model is talked to with. */
public final class ChatTemplates {

    /** What the wrong template says that the published GGUF of bitnet-b1.58-2B-4T carries. */
    private static final String WRONG_2B_4T = "BITNETAssistant:";
    /** A control token that only the vocabulary of Llama 3 has. */
    private static final String LLAMA_3 = "<|start_header_id|>";

    private ChatTemplates() {}

    /**
     * Selects, in this order: the user's template; the built-in one for a model of the 2B-4T family whose file carries the wrong one
     * or none; the file's; {@link PlainText}.
     *
     * @param ggufTemplate {@code tokenizer.chat_template} of the file
     * @param userTemplate what the user asked for: {@code bitnet} or {@code plain} for one that is built in, otherwise the text of a
     *                     Jinja template
     * @param facts        of the model
     * @return the template
     * @throws ChatTemplateException if the template cannot be parsed
     */
    public static ChatTemplate select(Optional<String> ggufTemplate, Optional<String> userTemplate, ChatFacts facts) {
        if (userTemplate.isPresent()) {
            return switch (userTemplate.get()) {
                case "bitnet" -> bitNet(facts);
                case "plain" -> new PlainText();
                default -> new JinjaTemplate("given by the user", userTemplate.get(), facts);
            };
        }
        boolean family = facts.architecture().equals("bitnet-b1.58") || facts.architecture().equals("bitnet-25");
        if (ggufTemplate.isPresent()) {
            boolean wrong = ggufTemplate.get().contains(WRONG_2B_4T) || family && ggufTemplate.get().contains("Human: ");
            return wrong ? bitNet(facts) : new JinjaTemplate("of the model file", ggufTemplate.get(), facts);
        }
        return family && facts.controlTokens().contains(LLAMA_3) ? bitNet(facts) : new PlainText();
    }

    private static ChatTemplate bitNet(ChatFacts facts) {
        if (!facts.controlTokens().contains(BitNet2B4T.END_OF_TURN)) {
            throw new ChatTemplateException("the chat template of bitnet-b1.58-2B-4T needs the token " + BitNet2B4T.END_OF_TURN
                    + ", which this model does not have: give another with --chat-template");
        }
        return new BitNet2B4T(facts);
    }
}
