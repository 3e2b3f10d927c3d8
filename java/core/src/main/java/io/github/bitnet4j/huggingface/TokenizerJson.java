package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.tokenizer.NamedSplit;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.Vocabulary;
import io.github.bitnet4j.tokenizer.VocabularyException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * The vocabulary of {@code tokenizer.json} as the keys {@code tokenizer.ggml.*}. Two kinds are known: byte-level BPE, and
 * SentencePiece's BPE, which falls back on bytes.
 */
final class TokenizerJson implements CheckpointVocabulary {
    static final String NAME = "tokenizer.json";
    private static final String PREFIX = TokenList.PREFIX;
    private static final String SPACE_MARK = "\u2581";

    private final JsonNode json;
    private final JsonNode model;
    private final Path file;

    TokenizerJson(JsonNode json, Path file) {
        this.json = json;
        this.model = json.path("model");
        this.file = file;
    }

    @Override
    public void addTo(GgufWriter writer, int size) {
        if (!model.path("type").asText().equals("BPE") || !model.path("vocab").isObject()) {
            throw bad("holds a vocabulary of the type '" + model.path("type").asText() + "'; only BPE can be used here");
        }
        for (String part : List.of("end_of_word_suffix", "continuing_subword_prefix", "dropout")) {
            if (!model.path(part).asText("").isEmpty() && model.path(part).asDouble(1) != 0) {
                throw bad("merges with the " + part + " " + model.path(part) + ", which is not done here");
            }
        }
        boolean sentencePiece = model.path("byte_fallback").asBoolean();
        TokenList tokens = new TokenList(file, size);
        model.path("vocab").properties().forEach(entry -> tokens.put(entry.getValue().asInt(-1), entry.getKey(),
                sentencePiece ? pieceType(entry.getKey()) : TokenList.NORMAL));
        json.path("added_tokens").forEach(added -> tokens.putAdded(added.path("id").asInt(-1), content(added, sentencePiece),
                addedType(added, sentencePiece)));
        CheckpointVocabulary.warningOfFlags(file, json.path("added_tokens")).ifPresent(LOG::warn);
        List<String> merges = merges();
        if (sentencePiece) {
            CheckpointVocabulary.addSentencePiece(writer, scores(tokens, merges), spacePrefix());
        } else {
            writer.string(PREFIX + "model", "gpt2");
            addSplit(writer);
            if (composes()) {
                writer.bool(Vocabulary.COMPOSES_KEY, true);
            }
        }
        tokens.addTo(writer);
        writer.strings(PREFIX + "merges", merges)
                .bool(PREFIX + "add_bos_token", before().isPresent())
                .bool(PREFIX + "add_eos_token", behind().isPresent());
    }

    private int pieceType(String token) {
        boolean unknown = token.equals(model.path("unk_token").asText());
        return unknown ? TokenList.UNKNOWN : TokenList.isByteName(token) ? TokenList.BYTE : TokenList.NORMAL;
    }

    private int addedType(JsonNode added, boolean sentencePiece) {
        boolean unknown = sentencePiece && pieceType(added.path("content").asText()) == TokenList.UNKNOWN;
        return unknown ? TokenList.UNKNOWN : added.path("special").asBoolean() ? TokenList.CONTROL : TokenList.USER_DEFINED;
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
    private static float[] scores(TokenList tokens, List<String> merges) {
        Map<String, Integer> firstRank = new HashMap<>();
        for (String merge : merges) {
            firstRank.putIfAbsent(merge.replaceFirst(" ", ""), firstRank.size());
        }
        float[] scores = new float[tokens.size()];
        for (int id = 0; id < scores.length; id++) {
            scores[id] = -firstRank.getOrDefault(tokens.token(id), 0);
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

    /** The name of the split of a byte-level BPE, if it has one, otherwise its steps; and what the name does not say. */
    private void addSplit(GgufWriter writer) {
        List<SplitStep> steps = new SplitSteps(this::bad).of(json.path("pre_tokenizer"));
        try {
            SplitStep.check(steps);
        } catch (VocabularyException e) {
            throw bad("has a pre_tokenizer that cannot be used here: " + e.getMessage());
        }
        Optional<NamedSplit> named = NamedSplit.of(steps);
        writer.string(PREFIX + "pre", named.map(NamedSplit::ggufName).orElse(SplitStep.GGUF_NAME));
        if (named.isEmpty()) {
            writer.strings(SplitStep.KEY, steps.stream().map(SplitStep::label).toList());
        }
        boolean wholePieces = model.path("ignore_merges").asBoolean();
        if (wholePieces != named.map(NamedSplit::wholePieces).orElse(false)) {
            writer.bool(Vocabulary.WHOLE_PIECES_KEY, wholePieces);
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

    /** By the template of a text. */
    @Override
    public OptionalInt bos() {
        return id(before());
    }

    @Override
    public OptionalInt eos() {
        return id(behind());
    }

    /** A token that is put around a text; its id may be missing. */
    private record Put(JsonNode id) {}

    private static OptionalInt id(Optional<Put> put) {
        return put.filter(token -> token.id().isIntegralNumber()).map(token -> OptionalInt.of(token.id().asInt())).orElse(OptionalInt.empty());
    }

    /** What comes before a single text, which older processors call {@code cls}. */
    private Optional<Put> before() {
        return put(0, "cls");
    }

    private Optional<Put> behind() {
        return put(1, "sep");
    }

    private Optional<Put> put(int end, String name) {
        return steps("post_processor", "processors").stream().flatMap(processor -> switch (processor.path("type").asText()) {
            case "TemplateProcessing" -> ofTemplate(processor, end).stream();
            case "BertProcessing", "RobertaProcessing" -> Stream.of(new Put(processor.path(name).path(1)));
            case "ByteLevel" -> Stream.<Put>empty(); // moves offsets only
            default -> throw bad("puts tokens around a text by " + processor + ", which is not known here; known: Sequence, "
                    + "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel");
        }).findFirst();
    }

    private static Optional<Put> ofTemplate(JsonNode template, int end) {
        JsonNode single = template.path("single");
        JsonNode token = single.path(end * (single.size() - 1)).path("SpecialToken").path("id");
        return token.isMissingNode() ? Optional.empty()
                : Optional.of(new Put(template.path("special_tokens").path(token.asText()).path("ids").path(0)));
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
