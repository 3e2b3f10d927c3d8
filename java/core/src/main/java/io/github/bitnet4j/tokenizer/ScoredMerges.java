package io.github.bitnet4j.tokenizer;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * The merges that scores imply: any two tokens whose texts together are a third's make it, those of the highest score first, of
 * equal scores with the same rank. Source: llama.cpp's {@code llm_tokenizer_spm}.
 */
final class ScoredMerges {

    private ScoredMerges() {}

    static MergeTable of(TokenTable tokens, IntToDoubleFunction scores) {
        long[] byScore = byScore(tokens, scores);
        IdList merges = new IdList(4 * byScore.length); // rank, left, right, product, ...
        int rank = -1;
        for (int i = 0; i < byScore.length; i++) {
            if (i == 0 || (int) (byScore[i] >>> 32) != (int) (byScore[i - 1] >>> 32)) {
                rank++;
            }
            addSplits(tokens, (int) byScore[i], rank, merges);
        }
        MergeTable table = new MergeTable(merges.size() / 4);
        for (int i = 0; i < merges.size(); i += 4) {
            table.put(merges.get(i), merges.get(i + 1), merges.get(i + 2), merges.get(i + 3));
        }
        return table;
    }

    /** Ids in the low half, the highest score first: the high half grows as the score falls. */
    private static long[] byScore(TokenTable tokens, IntToDoubleFunction scores) {
        long[] sorted = new long[tokens.size()];
        int count = 0;
        for (int id = 0; id < sorted.length; id++) {
            if (tokens.isFindable(id)) {
                float score = (float) scores.applyAsDouble(id);
                if (Float.isNaN(score)) {
                    throw new VocabularyException("tokenizer.ggml.scores[" + id + "] is NaN, which is no score");
                }
                int bits = Float.floatToIntBits(score + 0f); // + 0: -0 and 0 are equal
                int rising = bits ^ bits >> 31 & Integer.MAX_VALUE;
                sorted[count++] = (long) ~rising << 32 | id;
            }
        }
        sorted = Arrays.copyOf(sorted, count);
        Arrays.sort(sorted);
        return sorted;
    }

    private static void addSplits(TokenTable tokens, int id, int rank, IdList merges) {
        byte[] text = tokens.bytes(id);
        for (int middle = Utf8.width(text[0] & 0xFF); middle < text.length; middle += Utf8.width(text[middle] & 0xFF)) {
            int left = tokens.find(text, 0, middle);
            int right = left < 0 ? -1 : tokens.find(text, middle, text.length);
            if (right >= 0) {
                merges.add(rank);
                merges.add(left);
                merges.add(right);
                merges.add(id);
            }
        }
    }
}
