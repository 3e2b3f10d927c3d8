package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.chat.ChatFacts;
import io.github.bitnet4j.chat.ChatTemplate;
import io.github.bitnet4j.chat.ChatTemplates;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.Tokenizer;
import io.github.bitnet4j.tokenizer.Vocabulary;
import io.github.bitnet4j.tokenizer.VocabularyException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;

/** Hands the metadata of a GGUF file to the rooms that know nothing of GGUF: the tokenizer and the chat templates. */
final class Vocabularies {
    private static final String PREFIX = "tokenizer.ggml.";
    /** Files of the 2B-4T family do not name their split; the token that begins a text shows that it is that of Llama 3. */
    private static final String LLAMA_3_BOS = "<|begin_of_text|>";
    private static final String LLAMA_3_PRE = "llama-bpe";
    private static final List<String> END_NAMES =
            List.of("<|end_of_text|>", "<|eot_id|>", "<|endoftext|>", "<|im_end|>", "<end_of_turn>");

    private Vocabularies() {}

    static Tokenizer tokenizer(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        GgufArray tokens = metadata.array(PREFIX + "tokens").orElseThrow(
                () -> new BitNetException(file.path() + ": " + PREFIX + "tokens is missing; the file holds no vocabulary"));
        try {
            return Tokenizer.of(vocabulary(metadata, tokens.strings()));
        } catch (VocabularyException e) {
            throw new BitNetException(file.path() + ": " + e.getMessage(), e);
        }
    }

    private static Vocabulary vocabulary(GgufMetadata metadata, List<String> tokens) {
        Vocabulary.Builder vocabulary = Vocabulary.of(tokens)
                .model(metadata.string(PREFIX + "model").orElse("gpt2"))
                .addEos(metadata.bool(PREFIX + "add_eos_token").orElse(false))
                .spacePrefix(spacePrefix(metadata))
                .composes(metadata.bool(Vocabulary.COMPOSES_KEY).orElse(false))
                .piecesWithin(metadata.bool(Vocabulary.PIECES_KEY).orElse(false));
        pre(metadata, tokens).ifPresent(vocabulary::pre);
        metadata.array(SplitStep.KEY).ifPresent(split -> vocabulary.split(split.strings()));
        metadata.bool(Vocabulary.WHOLE_PIECES_KEY).ifPresent(vocabulary::wholePieces);
        metadata.array(PREFIX + "merges").ifPresent(merges -> vocabulary.merges(merges.strings()));
        metadata.array(PREFIX + "scores").ifPresent(scores -> vocabulary.scores(scores.floats()));
        metadata.array(PREFIX + "token_type").ifPresent(types -> vocabulary.types(types.ints()));
        metadata.bool(PREFIX + "add_bos_token").ifPresent(vocabulary::addBos);
        id(metadata, "bos_token_id").ifPresent(vocabulary::bos);
        id(metadata, "eos_token_id").ifPresent(vocabulary::eos);
        id(metadata, "eot_token_id").ifPresent(vocabulary::eot);
        return vocabulary.build();
    }

    private static SpacePrefix spacePrefix(GgufMetadata metadata) {
        return metadata.string(SpacePrefix.KEY).map(SpacePrefix::named).orElseGet(
                () -> metadata.bool(PREFIX + "add_space_prefix").orElse(true) ? SpacePrefix.ALWAYS : SpacePrefix.NEVER);
    }

    private static Optional<String> pre(GgufMetadata metadata, List<String> tokens) {
        OptionalInt bos = id(metadata, "bos_token_id");
        boolean llama3 = bos.isPresent() && bos.getAsInt() < tokens.size() && tokens.get(bos.getAsInt()).equals(LLAMA_3_BOS);
        return metadata.string(PREFIX + "pre").filter(name -> !llama3 || !name.equals("default"))
                .or(() -> llama3 ? Optional.of(LLAMA_3_PRE) : Optional.empty());
    }

    /**
     * The ids that end a text: those that the file names, and the ends of text and turn of known families by name, since files often
     * name one of two (2B-4T's does).
     */
    static Set<Integer> stopIds(GgufFile file, Tokenizer tokenizer) {
        Set<Integer> ids = new LinkedHashSet<>();
        tokenizer.eos().ifPresent(ids::add);
        tokenizer.eot().ifPresent(ids::add);
        file.metadata().array(PREFIX + "eos_token_ids").ifPresent(list -> IntStream.of(list.ints()).forEach(ids::add));
        for (String name : END_NAMES) {
            tokenizer.id(name).ifPresent(id -> {
                if (tokenizer.isSpecial(id)) {
                    ids.add(id);
                }
            });
        }
        return Set.copyOf(ids);
    }

    static ChatTemplate chatTemplate(GgufFile file, Tokenizer tokenizer, Optional<String> own) {
        return ChatTemplates.select(file.metadata().string("tokenizer.chat_template"), own,
                new ChatFacts(file.metadata().string("general.architecture").orElse(""), name(tokenizer, tokenizer.bos()),
                        name(tokenizer, tokenizer.eos()), tokenizer.controlTokens()));
    }

    private static Optional<String> name(Tokenizer tokenizer, OptionalInt id) {
        return id.isPresent() ? Optional.of(name(tokenizer, id.getAsInt())) : Optional.empty();
    }

    private static String name(Tokenizer tokenizer, int id) {
        return new String(tokenizer.bytes(id), StandardCharsets.UTF_8);
    }

    private static OptionalInt id(GgufMetadata metadata, String key) {
        OptionalLong id = metadata.integer(PREFIX + key);
        return id.isPresent() && id.getAsLong() >= 0 && id.getAsLong() <= Integer.MAX_VALUE
                ? OptionalInt.of((int) id.getAsLong())
                : OptionalInt.empty();
    }
}
