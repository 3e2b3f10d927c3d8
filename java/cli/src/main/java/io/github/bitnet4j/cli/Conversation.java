package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.chat.ChatMessage;
import io.github.bitnet4j.chat.ChatTemplate;
import io.github.bitnet4j.chat.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A chat: its messages, and a session that holds as many of their tokens as the last answer left there. An answer
 * computes only what is new.
 */
final class Conversation {
    private final Session session;
    private final ChatTemplate template;
    private final List<ChatMessage> messages = new ArrayList<>();

    Conversation(Session session, ChatTemplate template) {
        this.session = session;
        this.template = template;
    }

    List<ChatMessage> messages() {
        return List.copyOf(messages);
    }

    /** Starts anew with these messages. */
    void replace(List<ChatMessage> with) {
        messages.clear();
        messages.addAll(with);
    }

    /** Sets or replaces the system message; an empty one is none. */
    void system(String text) {
        messages.removeIf(message -> message.role() == Role.SYSTEM);
        if (!text.isEmpty()) {
            messages.addFirst(ChatMessage.system(text));
        }
    }

    /** Forgets all but the system message. */
    void reset() {
        messages.removeIf(message -> message.role() != Role.SYSTEM);
    }

    /**
     * Begins to answer a message; {@link #answered} ends it.
     *
     * @throws BitNetException if the chat does not fit the context any more; the message is not taken then
     */
    Generation ask(String text, GenerationOptions options) {
        messages.add(ChatMessage.user(text));
        try {
            int[] ids = session.model().encode(messages, template);
            if (ids.length >= session.position() + session.remaining()) {
                throw new BitNetException("the chat needs " + ids.length + " tokens, but the context holds "
                        + session.model().contextLength() + "; /reset starts anew, and -c sets the context");
            }
            int shared = Arrays.mismatch(ids, session.ids());
            int kept = Math.min(shared < 0 ? ids.length : shared, ids.length - 1);
            session.rewind(kept);
            return session.generate(Arrays.copyOfRange(ids, kept, ids.length), options);
        } catch (RuntimeException e) {
            messages.removeLast();
            throw e;
        }
    }

    /** Keeps an answer. */
    void answered(String text) {
        messages.add(ChatMessage.assistant(text.strip()));
    }
}
