package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A byte-level BPE vocabulary from {@code tokenizer.json}, as the keys {@code tokenizer.ggml.*}. */
final class TokenizerJson {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;

    /** Splits by their regular expressions, as names of {@code tokenizer.ggml.pre}. */
    private static final Map<String, String> SPLITS = Map.of(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
                    + "|\\s+(?!\\S)|\\s+", "llama-bpe");

    private final JsonNode json;
    private final Path file;

    TokenizerJson(JsonNode json, Path file) {
        this.json = json;
        this.file = file;
    }

    /**
     * Adds the vocabulary.
     *
     * @param size rows of the embedding table; ids without a token become unused ones
     */
    void addTo(GgufWriter writer, int size) {
        JsonNode model = json.path("model");
        if (!model.path("type").asText().equals("BPE") || !model.path("vocab").isObject() || model.path("byte_fallback").asBoolean()) {
            throw bad("holds no byte-level BPE vocabulary, and others are not supported");
        }
        String[] tokens = new String[size];
        int[] types = new int[size];
        Arrays.fill(types, UNUSED);
        model.path("vocab").properties().forEach(entry -> put(tokens, types, entry.getValue(), entry.getKey(), NORMAL));
        json.path("added_tokens").forEach(added -> put(tokens, types, added.path("id"), added.path("content").asText(),
                added.path("special").asBoolean() ? CONTROL : USER_DEFINED));
        for (int id = 0; id < size; id++) {
            tokens[id] = tokens[id] == null ? "[PAD" + id + "]" : tokens[id];
        }
        writer.string(PREFIX + "model", "gpt2").string(PREFIX + "pre", split())
                .strings(PREFIX + "tokens", List.of(tokens))
                .ints(PREFIX + "token_type", types)
                .strings(PREFIX + "merges", merges(model.path("merges")))
                .bool(PREFIX + "add_bos_token", addsBos());
    }

    private void put(String[] tokens, int[] types, JsonNode id, String token, int type) {
        int at = id.asInt(-1);
        if (at < 0 || at >= tokens.length) {
            throw bad("gives the token '" + token + "' the id " + id + ", and the embedding table has " + tokens.length + " rows");
        }
        tokens[at] = token;
        types[at] = type;
    }

    /** Older files write a merge as one string, newer ones as two. */
    private static List<String> merges(JsonNode merges) {
        List<String> lines = new ArrayList<>(merges.size());
        merges.forEach(merge -> lines.add(merge.isArray() ? merge.path(0).asText() + " " + merge.path(1).asText() : merge.asText()));
        return lines;
    }

    private String split() {
        List<String> expressions = json.path("pre_tokenizer").findValuesAsText("Regex");
        String name = expressions.size() == 1 ? SPLITS.get(expressions.getFirst()) : null;
        if (name == null) {
            throw bad("splits text by " + expressions + ", which is not a split that is known here; known are those named "
                    + SPLITS.values());
        }
        return name;
    }

    private boolean addsBos() {
        return json.path("post_processor").findValues("single").stream().anyMatch(single -> single.path(0).has("SpecialToken"));
    }

    private BitNetException bad(String problem) {
        return new BitNetException(file + " " + problem);
    }
}
