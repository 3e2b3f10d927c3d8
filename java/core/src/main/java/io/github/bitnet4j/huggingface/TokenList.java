package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Tokens by id and their types, as many as the embedding table has rows; ids that nothing is put at become unused tokens. */
final class TokenList {
    /** Of the keys of a vocabulary. */
    static final String PREFIX = "tokenizer.ggml.";
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int UNUSED = 5;
    static final int BYTE = 6;
    /** Gemma's vocabulary ends with it, and models of texts have no row for it. */
    private static final String IMAGE = "<image_soft_token>";
    private static final Pattern BYTE_NAME = Pattern.compile("<0x[0-9A-F]{2}>");
    private static final int MOST_SHOWN = 80;

    private final Path file;
    private final String[] tokens;
    private final int[] types;

    /** @param file that the tokens are from */
    TokenList(Path file, int size) {
        this.file = file;
        tokens = new String[size];
        types = new int[size];
        Arrays.fill(types, UNUSED);
    }

    /** A token as part of a sentence: on one line, and not the whole of a long one. */
    static String quoted(String token) {
        String part = token.length() <= MOST_SHOWN ? token : token.substring(0, MOST_SHOWN) + "...";
        return "'" + new String(JsonStringEncoder.getInstance().quoteAsString(part)) + "'";
    }

    static boolean isByteName(String token) {
        return BYTE_NAME.matcher(token).matches();
    }

    void put(int id, String token, int type) {
        if (id < 0 || id >= tokens.length) {
            throw new BitNetException(file + " gives the token " + quoted(token) + " the id " + id + ", and the embedding table has "
                    + tokens.length + " rows");
        }
        tokens[id] = token;
        types[id] = type;
    }

    /** Puts a token that is not one of the model's own. */
    void putAdded(int id, String token, int type) {
        if (id < tokens.length || !token.equals(IMAGE)) {
            put(id, token, type);
        }
    }

    /** The text of an id, null if there is none. */
    String token(int id) {
        return tokens[id];
    }

    int size() {
        return tokens.length;
    }

    void addTo(GgufWriter writer) {
        String[] all = tokens.clone();
        for (int id = 0; id < all.length; id++) {
            all[id] = all[id] == null ? "[PAD" + id + "]" : all[id];
        }
        writer.strings(PREFIX + "tokens", List.of(all)).ints(PREFIX + "token_type", types);
    }
}
