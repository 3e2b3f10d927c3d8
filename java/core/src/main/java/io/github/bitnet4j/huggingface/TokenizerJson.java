package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.tokenizer.PreTokenizer;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The vocabulary of {@code tokenizer.json} as the keys {@code tokenizer.ggml.*}. Two kinds are known: byte-level BPE with a split
 * that has a name in GGUF, and SentencePiece's BPE, which falls back on bytes.
 */
final class TokenizerJson {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;
    /** Gemma's vocabulary ends with it, and models of texts have no row for it. */
    private static final String IMAGE = "<image_soft_token>";
    private static final String SPACE_MARK = "\u2581";

    private final JsonNode json;
    private final JsonNode model;
    private final Path file;

    TokenizerJson(JsonNode json, Path file) {
        this.json = json;
        this.model = json.path("model");
        this.file = file;
    }

    /**
     * Adds the vocabulary.
     *
     * @param size rows of the embedding table; ids without a token become unused ones
     */
    void addTo(GgufWriter writer, int size) {
        if (!model.path("type").asText().equals("BPE") || !model.path("vocab").isObject()) {
            throw bad("holds a vocabulary of the type '" + model.path("type").asText() + "'; only BPE can be used here");
        }
        boolean sentencePiece = model.path("byte_fallback").asBoolean();
        String[] tokens = new String[size];
        int[] types = new int[size];
        Arrays.fill(types, UNUSED);
        model.path("vocab").properties().forEach(entry -> put(tokens, types, entry.getValue(), entry.getKey(),
                sentencePiece ? pieceType(entry.getKey()) : NORMAL));
        for (JsonNode added : json.path("added_tokens")) {
            if (added.path("id").asInt() < size || !added.path("content").asText().equals(IMAGE)) {
                put(tokens, types, added.path("id"), content(added, sentencePiece), addedType(added, sentencePiece));
            }
        }
        for (int id = 0; id < size; id++) {
            tokens[id] = tokens[id] == null ? "[PAD" + id + "]" : tokens[id];
        }
        List<String> merges = merges();
        if (sentencePiece) {
            writer.string(PREFIX + "model", "llama").string(PREFIX + "pre", "default")
                    .floats(PREFIX + "scores", scores(tokens, merges));
            addSpacePrefix(writer, spacePrefix());
        } else {
            writer.string(PREFIX + "model", "gpt2").string(PREFIX + "pre", split().ggufName());
            if (composes()) {
                writer.bool(Vocabulary.COMPOSES_KEY, true);
            }
        }
        writer.strings(PREFIX + "tokens", List.of(tokens))
                .ints(PREFIX + "token_type", types)
                .strings(PREFIX + "merges", merges)
                .bool(PREFIX + "add_bos_token", added(0).isPresent())
                .bool(PREFIX + "add_eos_token", added(1).isPresent());
    }

    private void put(String[] tokens, int[] types, JsonNode id, String token, int type) {
        int at = id.asInt(-1);
        if (at < 0 || at >= tokens.length) {
            throw bad("gives the token '" + token + "' the id " + id + ", and the embedding table has " + tokens.length + " rows");
        }
        tokens[at] = token;
        types[at] = type;
    }

    private int pieceType(String token) {
        boolean unknown = token.equals(model.path("unk_token").asText());
        return unknown ? UNKNOWN : token.matches("<0x[0-9A-F]{2}>") ? BYTE : NORMAL;
    }

    private int addedType(JsonNode added, boolean sentencePiece) {
        boolean unknown = sentencePiece && pieceType(added.path("content").asText()) == UNKNOWN;
        return unknown ? UNKNOWN : added.path("special").asBoolean() ? CONTROL : USER_DEFINED;
    }

    /** A token that is looked for in normalized text, where spaces are marks, is found in plain text with spaces. */
    private static String content(JsonNode added, boolean sentencePiece) {
        String content = added.path("content").asText();
        return sentencePiece && added.path("normalized").asBoolean() ? content.replace(SPACE_MARK, " ") : content;
    }

    /** Older files write a merge as one string, newer ones as two. */
    private List<String> merges() {
        List<String> lines = new ArrayList<>(model.path("merges").size());
        model.path("merges").forEach(merge -> lines.add(
                merge.isArray() ? merge.path(0).asText() + " " + merge.path(1).asText() : merge.asText()));
        return lines;
    }

    /** For programs that go by scores: the earlier the first merge that makes a token, the higher. The merges say more. */
    private static float[] scores(String[] tokens, List<String> merges) {
        Map<String, Integer> firstRank = new HashMap<>();
        for (String merge : merges) {
            firstRank.putIfAbsent(merge.replaceFirst(" ", ""), firstRank.size());
        }
        float[] scores = new float[tokens.length];
        for (int id = 0; id < tokens.length; id++) {
            scores[id] = -firstRank.getOrDefault(tokens[id], 0);
        }
        return scores;
    }

    /** Whether a byte-level BPE wants text in normal form C, as Qwen's does. */
    private boolean composes() {
        List<JsonNode> normalizers = steps("normalizer", "normalizers");
        if (normalizers.stream().anyMatch(step -> !isType(step, "NFC"))) {
            throw unknownSteps("normalizes", normalizers, "NFC, or nothing, before byte-level BPE");
        }
        return !normalizers.isEmpty();
    }

    /** The split of a byte-level BPE. */
    private PreTokenizer split() {
        List<JsonNode> steps = steps("pre_tokenizer", "pretokenizers");
        boolean pieces = steps.size() == 2 && isType(steps.get(0), "Split")
                && steps.get(0).path("behavior").asText().equals("Isolated") && !steps.get(0).path("invert").asBoolean();
        boolean bytes = pieces && isType(steps.get(1), "ByteLevel") && !steps.get(1).path("use_regex").asBoolean(true)
                && !steps.get(1).path("add_prefix_space").asBoolean();
        Optional<PreTokenizer> known = bytes ? PreTokenizer.ofExpression(steps.get(0).path("pattern").path("Regex").asText())
                : Optional.empty();
        return known.orElseThrow(() -> unknownSteps("splits", steps, "one Split by the expression of "
                + String.join(" or ", Arrays.stream(PreTokenizer.values()).map(PreTokenizer::ggufName).toList())
                + ", then ByteLevel"));
    }

    /** Programs that know nothing of {@link SpacePrefix#KEY} put a space before each stretch of text, or never. */
    private static void addSpacePrefix(GgufWriter writer, SpacePrefix prefix) {
        writer.bool(PREFIX + "add_space_prefix", prefix != SpacePrefix.NEVER);
        if (prefix == SpacePrefix.WHERE_MISSING || prefix == SpacePrefix.FIRST) {
            writer.string(SpacePrefix.KEY, prefix.label());
        }
    }

    /** Before what SentencePiece's BPE puts a space: Llama's files say it by a normalizer or by {@code Metaspace}, Gemma's never do. */
    private SpacePrefix spacePrefix() {
        List<JsonNode> normalizers = steps("normalizer", "normalizers");
        List<JsonNode> splits = steps("pre_tokenizer", "pretokenizers");
        if (normalizers.isEmpty() && splits.size() == 1 && isType(splits.getFirst(), "Metaspace")) {
            return metaspace(splits.getFirst());
        }
        boolean prepends = !normalizers.isEmpty() && isType(normalizers.getFirst(), "Prepend")
                && normalizers.getFirst().path("prepend").asText().equals(SPACE_MARK);
        List<JsonNode> rest = normalizers.subList(prepends ? 1 : 0, normalizers.size());
        boolean marks = rest.size() == 1 && isType(rest.getFirst(), "Replace") && isSpace(rest.getFirst())
                && rest.getFirst().path("content").asText().equals(SPACE_MARK);
        if (!marks) {
            throw unknownSteps("normalizes", normalizers, "Replace of spaces by '" + SPACE_MARK + "', with Prepend of it or without, "
                    + "or nothing before Metaspace");
        }
        if (!splits.stream().allMatch(step -> isType(step, "Split") && isSpace(step))) { // at spaces, of which there are none any more
            throw unknownSteps("splits", splits, "nothing, or Split at spaces, with a vocabulary that falls back on bytes");
        }
        return prepends ? SpacePrefix.ALWAYS : SpacePrefix.NEVER;
    }

    /** Where {@code split} is missing it means true, and {@code add_prefix_space} is what older files have. */
    private SpacePrefix metaspace(JsonNode step) {
        String scheme = step.path("prepend_scheme").asText(step.path("add_prefix_space").asBoolean(true) ? "always" : "never");
        if (step.path("split").asBoolean(true) || !step.path("replacement").asText().equals(SPACE_MARK)) {
            throw bad("splits text by " + step + ", which is not known here; known: Metaspace that puts '" + SPACE_MARK
                    + "' for spaces, with split false");
        }
        return switch (scheme) {
            case "always" -> SpacePrefix.WHERE_MISSING;
            case "first" -> SpacePrefix.FIRST;
            case "never" -> SpacePrefix.NEVER;
            default -> throw bad("puts spaces before text by the scheme '" + scheme + "'; known: always, first, never");
        };
    }

    private static boolean isType(JsonNode step, String type) {
        return step.path("type").asText().equals(type);
    }

    private static boolean isSpace(JsonNode step) {
        return step.path("pattern").path("String").asText().equals(" ");
    }

    /** The steps of a part that may be absent, one step, or a sequence of them. */
    private List<JsonNode> steps(String part, String sequence) {
        JsonNode node = json.path(part);
        List<JsonNode> steps = new ArrayList<>();
        if (isType(node, "Sequence")) {
            node.path(sequence).forEach(steps::add);
        } else if (node.isObject()) {
            steps.add(node);
        }
        return steps;
    }

    /** The token that the template of a text has before it. */
    OptionalInt bos() {
        return id(0);
    }

    /** The one behind it: for embeddings not always what ends a text that is generated. */
    OptionalInt eos() {
        return id(1);
    }

    private OptionalInt id(int end) {
        JsonNode tokens = json.path("post_processor").findPath("special_tokens");
        JsonNode id = added(end).map(name -> tokens.path(name).path("ids").path(0)).orElse(MissingNode.getInstance());
        return id.isIntegralNumber() ? OptionalInt.of(id.asInt()) : OptionalInt.empty();
    }

    /** The name of the token that the template of a single text has before it (end 0) or after it (end 1). */
    private Optional<String> added(int end) {
        JsonNode single = json.path("post_processor").findPath("single");
        return Optional.of(single.path(end * (single.size() - 1))).filter(part -> part.has("SpecialToken"))
                .map(part -> part.path("SpecialToken").path("id").asText());
    }

    private BitNetException unknownSteps(String verb, List<JsonNode> steps, String known) {
        List<String> names = steps.stream().map(step -> (step.path("type").asText()
                + " " + step.path("pattern").path("Regex").asText(step.path("pattern").path("String").asText())).strip()).toList();
        return bad(verb + " text by " + names + ", which is not known here; known: " + known);
    }

    private BitNetException bad(String problem) {
        return new BitNetException(file + " " + problem);
    }
}
