package io.github.bitnet4j.synth;

import java.util.ArrayList;
import java.util.List;

/**
 * A byte-level BPE vocabulary of any size, so that text goes in and comes out of a random model: the 256 bytes, then
 * strings of lower-case letters with or without a space before them, shortest first, then special tokens.
 *
 * <p>A string of n letters is a token only if all strings of n - 1 letters are, so every way to cut a token in two gives
 * two tokens, and each cut is a valid merge. There are as many cuts a token as Llama 3 has, which makes 280,147 merges for
 * its 128,000 ranks.
 */
final class Vocabulary {
    /** The 256 bytes and the special tokens of a small vocabulary. */
    static final int MIN_SIZE = 256 + 16;

    private static final int BYTES = 256;
    private static final int LARGE = 65_536;
    /** Merges per merged token in the vocabulary of Llama 3. */
    private static final double MERGES_PER_TOKEN = 280_147.0 / (128_000 - BYTES);
    private static final String SPACE = "\u0120"; // how GPT-2's byte alphabet writes a space
    private static final String LETTERS = "etaoinshrdlcumwfgypbvkjxqz"; // by frequency in English

    private final List<String> tokens;
    private final List<String> merges = new ArrayList<>();
    private final int ranks;

    Vocabulary(int size) {
        this.tokens = new ArrayList<>(size);
        this.ranks = size - (size >= LARGE ? 256 : MIN_SIZE - BYTES);
        addBytes();
        addStrings();
        addMerges();
        addSpecials(size);
    }

    /** All tokens by id. */
    List<String> tokens() {
        return tokens;
    }

    /** All merges by rank, as {@code left right}. */
    List<String> merges() {
        return merges;
    }

    /** 1 (normal) or 3 (control) for each token. */
    int[] types() {
        int[] types = new int[tokens.size()];
        for (int id = 0; id < types.length; id++) {
            types[id] = id < ranks ? 1 : 3;
        }
        return types;
    }

    /** The id of {@code <|begin_of_text|>}: the first special token, 128000 of 128256. */
    int beginOfText() {
        return ranks;
    }

    /** The id of {@code <|end_of_text|>}: the second special token; {@code <|eot_id|>} is the tenth. */
    int endOfText() {
        return ranks + 1;
    }

    /** The alphabet of GPT-2: printable Latin-1 stands for itself, every other byte for 256, 257, and so on. */
    private void addBytes() {
        for (int b = 0; b < BYTES; b++) {
            if (isPrintable(b)) {
                tokens.add(Character.toString(b));
            }
        }
        for (int i = 0; tokens.size() < BYTES; i++) {
            tokens.add(Character.toString(BYTES + i));
        }
    }

    private static boolean isPrintable(int b) {
        return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
    }

    private void addStrings() {
        List<String> parents = new ArrayList<>(List.of(SPACE));
        LETTERS.chars().forEach(letter -> parents.add(Character.toString(letter)));
        for (int parent = 0; tokens.size() < ranks; parent++) {
            for (int i = 0; i < LETTERS.length() && tokens.size() < ranks; i++) {
                String token = parents.get(parent) + LETTERS.charAt(i);
                tokens.add(token);
                parents.add(token);
            }
        }
    }

    private void addMerges() {
        for (int id = BYTES; id < ranks; id++) {
            String token = tokens.get(id);
            long wanted = Math.round((id + 1 - BYTES) * MERGES_PER_TOKEN);
            for (int i = 0; i < token.length() - 1 && (i == 0 || merges.size() < wanted); i++) {
                int cut = 1 + (token.length() / 2 - 1 + i) % (token.length() - 1); // the middle first
                merges.add(token.substring(0, cut) + " " + token.substring(cut));
            }
        }
    }

    private void addSpecials(int size) {
        int reserved = 0;
        for (int i = 0; tokens.size() < size; i++) {
            tokens.add(switch (i) {
                case 0 -> "<|begin_of_text|>";
                case 1 -> "<|end_of_text|>";
                case 6 -> "<|start_header_id|>";
                case 7 -> "<|end_header_id|>";
                case 9 -> "<|eot_id|>";
                default -> "<|reserved_special_token_" + reserved++ + "|>";
            });
        }
    }
}
