package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.StreamSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The vocabulary of a checkpoint, which becomes the keys {@code tokenizer.ggml.*}. */
sealed interface CheckpointVocabulary permits TokenizerJson, TokenizerModel {
    Logger LOG = LoggerFactory.getLogger(CheckpointVocabulary.class);
    /** Of added tokens. */
    List<String> FLAGS = List.of("lstrip", "rstrip", "single_word");

    /** Of {@code tokenizer.json}, which says what transformers does; of {@code tokenizer.model} where there is no other. */
    static CheckpointVocabulary of(Checkpoint checkpoint) {
        Path model = checkpoint.folder().resolve(TokenizerModel.NAME);
        if (Files.isRegularFile(checkpoint.folder().resolve(TokenizerJson.NAME))) {
            return new TokenizerJson(checkpoint.requireJson(TokenizerJson.NAME), checkpoint.folder().resolve(TokenizerJson.NAME));
        }
        if (Files.isRegularFile(model)) {
            return new TokenizerModel(checkpoint);
        }
        throw new BitNetException(checkpoint.folder() + " has neither " + TokenizerJson.NAME + " nor " + TokenizerModel.NAME);
    }

    /**
     * Adds the vocabulary.
     *
     * @param size rows of the embedding table; ids without a token become unused ones
     */
    void addTo(GgufWriter writer, int size);

    /** The token that is put before a text. */
    OptionalInt bos();

    /** The one behind it: for embeddings not always what ends a text that is generated. */
    OptionalInt eos();

    /**
     * A warning of added tokens whose flags say how they are found in a text: here they are found wherever they are, and text around
     * them stays as it is.
     *
     * @param tokens objects with {@code content}
     */
    static Optional<String> warningOfFlags(Path file, Iterable<JsonNode> tokens) {
        List<String> flagged = StreamSupport.stream(tokens.spliterator(), false)
                .filter(token -> FLAGS.stream().anyMatch(flag -> token.path(flag).asBoolean()))
                .map(token -> TokenList.quoted(token.path("content").asText())).toList();
        return flagged.isEmpty() ? Optional.empty() : Optional.of(file + " wants spaces taken away around " + flagged.size()
                + " of its added tokens, such as " + flagged.getFirst() + ", or finds them only as words (" + String.join(", ", FLAGS)
                + "), which is not done here");
    }

    /**
     * Adds what only vocabularies of SentencePiece's kind have. Programs that know nothing of {@link SpacePrefix#KEY} put a space
     * before each stretch of text, or never.
     */
    static void addSentencePiece(GgufWriter writer, float[] scores, SpacePrefix prefix) {
        writer.string(TokenList.PREFIX + "model", "llama").string(TokenList.PREFIX + "pre", "default")
                .floats(TokenList.PREFIX + "scores", scores)
                .bool(TokenList.PREFIX + "add_space_prefix", prefix != SpacePrefix.NEVER);
        if (prefix != SpacePrefix.NEVER && prefix != SpacePrefix.ALWAYS) {
            writer.string(SpacePrefix.KEY, prefix.label());
        }
    }
}
