package io.github.bitnet4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Text to token ids and back. Immutable: any number of threads may use one.
 *
 * <p>A Java string may hold lone surrogates, which no UTF-8 can express; each of them is encoded as U+FFFD.
 */
public sealed interface Tokenizer permits TableTokenizer {

    /**
     * Makes the tokenizer of a vocabulary.
     *
     * @param vocabulary the facts; nothing of it is kept
     * @return a tokenizer
     * @throws VocabularyException if the kind is unknown or an entry is wrong
     */
    static Tokenizer of(Vocabulary vocabulary) {
        return switch (vocabulary.model()) {
            case "gpt2" -> BytePairTokenizer.of(vocabulary);
            case "llama" -> new SentencePieceTokenizer(vocabulary);
            default -> throw new VocabularyException(
                    "tokenizer.ggml.model is '" + vocabulary.model() + "', which is not known here; known: gpt2, llama");
        };
    }

    /**
     * Encodes plain text, {@link SpecialTokens#LITERAL}.
     *
     * @param text any text
     * @return ids, without BOS
     */
    default int[] encode(String text) {
        return encode(text, SpecialTokens.LITERAL);
    }

    /**
     * Encodes text. User-defined tokens of the vocabulary (type 4) are recognised in either mode, control tokens (type 3) only with
     * {@link SpecialTokens#PARSE}; of several that match, the leftmost and then the longest is taken.
     *
     * @param text    any text
     * @param special what the text of a control token means
     * @return ids, without BOS
     */
    default int[] encode(String text, SpecialTokens special) {
        return encode(text, special, true);
    }

    /**
     * Encodes a part of a text: {@link #encode(String, SpecialTokens)} if the part is all of it.
     *
     * @param text    any text; what comes before it, if anything, ends with a special token
     * @param special what the text of a control token means
     * @param first   whether nothing comes before it, which decides where {@link SpacePrefix#FIRST} puts a space
     * @return ids, without BOS
     */
    int[] encode(String text, SpecialTokens special, boolean first);

    /**
     * The bytes of one token; several tokens may be needed to make one character.
     *
     * @param id 0 to {@code size() - 1}
     * @return a fresh array; for a control token the UTF-8 of its name
     * @throws IndexOutOfBoundsException for any other id
     */
    byte[] bytes(int id);

    /**
     * Decodes with control tokens hidden.
     *
     * @param ids tokens
     * @return their text; bytes that are no UTF-8 become U+FFFD
     */
    default String decode(int[] ids) {
        return decode(ids, SpecialText.HIDE);
    }

    /**
     * Decodes a whole text, so that what was encoded comes back. For tokens that go on with a text see {@link #newDecoder()}.
     *
     * @param ids     tokens
     * @param special whether control tokens are shown
     * @return their text; bytes that are no UTF-8 become U+FFFD
     */
    default String decode(int[] ids, SpecialText special) {
        StreamDecoder decoder = new StreamDecoder(this, special, true);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.push(id));
        }
        return text.append(decoder.finish()).toString();
    }

    /** @return how many ids there are */
    int size();

    /** @return the token that begins a text, if the vocabulary names one */
    OptionalInt bos();

    /** @return the token that ends a text, if the vocabulary names one */
    OptionalInt eos();

    /** @return the token that ends a turn, if the vocabulary names one */
    OptionalInt eot();

    /** @return whether the model expects {@link #bos()} before a text */
    boolean addBos();

    /** @return whether the model expects {@link #eos()} after a text that it is not to continue, as embedding models do */
    boolean addEos();

    /** @return before what encoding puts a space, as SentencePiece mostly does */
    SpacePrefix spacePrefix();

    /**
     * @param id 0 to {@code size() - 1}
     * @return whether the token is a control token, one that stands for no text
     * @throws IndexOutOfBoundsException for any other id
     */
    boolean isSpecial(int id);

    /**
     * @param id 0 to {@code size() - 1}
     * @return whether the token is a user-defined one, which is recognised in any text
     * @throws IndexOutOfBoundsException for any other id
     */
    boolean isUserDefined(int id);

    /**
     * @param id 0 to {@code size() - 1}
     * @return whether a stretch of text ends before the token and another begins behind it: a special token does that, and mostly a
     *         user-defined one
     * @throws IndexOutOfBoundsException for any other id
     */
    boolean isBetweenTexts(int id);

    /** @return the names of all control tokens, by id; what a chat template needs to know */
    default List<String> controlTokens() {
        return IntStream.range(0, size()).filter(this::isSpecial).mapToObj(id -> new String(bytes(id), StandardCharsets.UTF_8)).toList();
    }

    /**
     * Finds a token by its text as the vocabulary has it: {@code <|eot_id|>}, or for {@code " the"} {@code Ġthe} or {@code \u2581the}.
     *
     * @param token the vocabulary's text of it
     * @return its id; the lowest, if several have this text; empty, if none has
     */
    OptionalInt id(String token);

    /** @return a decoder for tokens that go on with a text, which hides control tokens */
    default StreamDecoder newDecoder() {
        return newDecoder(SpecialText.HIDE);
    }

    /**
     * @param special whether control tokens are shown
     * @return a decoder for tokens that go on with a text
     */
    default StreamDecoder newDecoder(SpecialText special) {
        return new StreamDecoder(this, special, false);
    }
}
