package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.huggingface.SentencePieceModel.Piece;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The vocabulary of {@code tokenizer.model}, with what {@code tokenizer_config.json}, {@code special_tokens_map.json} and
 * {@code added_tokens.json} add to it: encoded as SentencePiece does it, by scores, and around that as transformers' LlamaTokenizer
 * and GemmaTokenizer use it.
 */
final class TokenizerModel implements CheckpointVocabulary {
    static final String NAME = "tokenizer.model";
    private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token",
            "mask_token", "additional_special_tokens");

    /** A token beside those of the model, or one of them that is something else to transformers. */
    private record Added(String text, boolean special) {}

    private final Path file;
    private final SentencePieceModel model;
    private final JsonNode config;
    private final JsonNode specialMap;
    private final Map<Integer, Added> added = new LinkedHashMap<>();
    private final Map<String, Integer> ids = new HashMap<>();

    TokenizerModel(Checkpoint checkpoint) {
        file = checkpoint.folder().resolve(NAME);
        model = SentencePieceModel.read(file);
        config = checkpoint.json("tokenizer_config.json").orElse(MissingNode.getInstance());
        specialMap = checkpoint.json("special_tokens_map.json").orElse(MissingNode.getInstance());
        Set<String> special = special();
        for (int id = 0; id < model.pieces().size(); id++) {
            if (special.contains(model.pieces().get(id).text())) {
                added.put(id, new Added(model.pieces().get(id).text(), true));
            }
            ids.put(model.pieces().get(id).text(), id);
        }
        checkpoint.json("added_tokens.json").orElse(MissingNode.getInstance()).properties().forEach(
                entry -> add(entry.getValue().asText(), entry.getKey(), special.contains(entry.getKey())));
        config.path("added_tokens_decoder").properties().forEach(entry -> add(entry.getKey(), text(entry.getValue()),
                entry.getValue().path("special").asBoolean() || special.contains(text(entry.getValue()))));
    }

    /** The texts that tokenizer_config.json and special_tokens_map.json give a role. */
    private Set<String> special() {
        Set<String> texts = new HashSet<>();
        for (String role : SPECIAL) {
            for (JsonNode source : List.of(specialMap, config)) {
                JsonNode node = source.path(role);
                (node.isArray() ? node : List.of(node)).forEach(token -> texts.add(text(token)));
            }
        }
        return texts;
    }

    /** A token is its text, or an object of it with flags. */
    private static String text(JsonNode token) {
        return token.isObject() ? token.path("content").asText() : token.asText("");
    }

    private void add(String id, String text, boolean special) {
        try {
            added.put(Integer.parseInt(id), new Added(text, special));
            ids.put(text, Integer.parseInt(id));
        } catch (NumberFormatException e) {
            throw new BitNetException(file.resolveSibling("added_tokens.json") + " or tokenizer_config.json gives the token "
                    + TokenList.quoted(text) + " the id " + TokenList.quoted(id) + ", which is no number", e);
        }
    }

    @Override
    public void addTo(GgufWriter writer, int size) {
        TokenList tokens = new TokenList(file, size);
        float[] scores = new float[size];
        for (int id = 0; id < model.pieces().size(); id++) {
            Piece piece = model.pieces().get(id);
            tokens.put(id, piece.text(), piece.type());
            scores[id] = piece.score();
        }
        CheckpointVocabulary.warningOfFlags(file, config.path("added_tokens_decoder")).ifPresent(LOG::warn);
        CheckpointVocabulary.warningOfFlags(file, specialMap).ifPresent(LOG::warn);
        added.forEach((id, token) -> tokens.putAdded(id, token.text(), type(id, token)));
        CheckpointVocabulary.addSentencePiece(writer, scores, spacePrefix());
        if (piecesWithin()) {
            writer.bool(Vocabulary.PIECES_KEY, true);
        }
        tokens.addTo(writer);
        writer.bool(TokenList.PREFIX + "add_bos_token", addsBos()).bool(TokenList.PREFIX + "add_eos_token", addsEos());
    }

    private int type(int id, Added token) {
        return ofModel(id) == TokenList.UNKNOWN ? TokenList.UNKNOWN : token.special() ? TokenList.CONTROL : TokenList.USER_DEFINED;
    }

    /** The type that an id has in the model; unused behind its end. */
    private int ofModel(int id) {
        return id >= 0 && id < model.pieces().size() ? model.pieces().get(id).type() : TokenList.UNUSED;
    }

    /**
     * With {@code legacy}, which is the default, SentencePiece encodes each stretch between added tokens by itself, and puts its space
     * before it. Without, transformers puts one before the whole text, unless that begins with a special token.
     */
    private SpacePrefix spacePrefix() {
        if (config.path("legacy").asBoolean(true)) {
            return model.dummyPrefix() ? SpacePrefix.ALWAYS : SpacePrefix.NEVER;
        }
        JsonNode asked = config.path("add_prefix_space");
        return asked.isMissingNode() || asked.asBoolean() ? SpacePrefix.TEXT : SpacePrefix.NEVER;
    }

    /**
     * Whether user-defined tokens are found as SentencePiece finds its own, in text that has its space and its marks already. Added
     * ones come first instead, which makes a difference where a space is put behind them.
     */
    private boolean piecesWithin() {
        boolean own = IntStream.range(0, model.pieces().size()).anyMatch(id -> ofModel(id) == TokenList.USER_DEFINED
                && !(added.containsKey(id) && added.get(id).special()));
        boolean others = added.entrySet().stream().anyMatch(entry -> type(entry.getKey(), entry.getValue()) == TokenList.USER_DEFINED
                && ofModel(entry.getKey()) != TokenList.USER_DEFINED);
        if (own && others && spacePrefix() == SpacePrefix.ALWAYS) {
            throw new BitNetException(file + " has user-defined pieces, and tokenizer_config.json or added_tokens.json adds tokens that "
                    + "are not special, after which another space is put; both together cannot be used here");
        }
        return own || others && spacePrefix() != SpacePrefix.ALWAYS;
    }

    private boolean addsBos() {
        return config.path("add_bos_token").asBoolean(true) && id("bos_token", model.bos()).isPresent();
    }

    private boolean addsEos() {
        return config.path("add_eos_token").asBoolean(false) && id("eos_token", model.eos()).isPresent();
    }

    @Override
    public OptionalInt bos() {
        return addsBos() ? id("bos_token", model.bos()) : OptionalInt.empty();
    }

    @Override
    public OptionalInt eos() {
        return addsEos() ? id("eos_token", model.eos()) : OptionalInt.empty();
    }

    /** The id of a role, as tokenizer_config.json or special_tokens_map.json names it, otherwise as the model does. */
    private OptionalInt id(String role, int named) {
        for (JsonNode source : List.of(config, specialMap)) {
            if (ids.containsKey(text(source.path(role)))) {
                return OptionalInt.of(ids.get(text(source.path(role))));
            }
        }
        return ofModel(named) == TokenList.CONTROL ? OptionalInt.of(named) : OptionalInt.empty();
    }
}
