package io.github.bitnet4j.tokenizer;

import java.util.List;
import java.util.random.RandomGenerator;

/** Random strings that dwell where splits are decided: white space, apostrophes, digits, every Unicode category, lone surrogates. */
final class RandomText {

    private static final List<String> SEEDS = List.of(
            " ", " ", "  ", "\n", "\r", "\r\n", "\t", "\u000B", "\f", "\u0085", "\u00A0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202F",
            "\u3000", "\u200B", "\uFEFF", "\u180E", "'", "'", "'s", "'S", "'\u017F", "'t", "'re", "'RE", "'rE", "'ve", "'m", "'M", "'ll",
            "'lL", "'d", "'D", "\u2019s", "\u212A", "\u0130", "a", "Z", "the", "\u00E9", "e\u0301", "\u01C5", "\u02B0", "\u4F60", "\u05E9",
            "\uD83D\uDE00", "\uD835\uDCD7", "1", "12", "1234", "\u0661", "\u00BD", "\u2167", "\uD835\uDFCE", ".", "!!", "_", "-", "(", "$",
            "\u0000", "\u001C", "\u001F", "<|eot_id|>", "<|", "|>");

    private RandomText() {}

    /** Up to {@code pieces} fragments; well-formed unless {@code lone}. */
    static String next(RandomGenerator random, int pieces, boolean lone) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(pieces + 1); i > 0; i--) {
            switch (random.nextInt(6)) {
                case 0, 1, 2 -> text.append(SEEDS.get(random.nextInt(SEEDS.size())));
                case 3 -> text.append((char) random.nextInt(128));
                case 4 -> text.appendCodePoint(scalar(random.nextInt(0x3000)));
                default -> text.appendCodePoint(scalar(random.nextInt(0x110000)));
            }
            if (lone && random.nextInt(8) == 0) {
                text.append((char) random.nextInt(0xD800, 0xE000));
            }
        }
        return text.toString();
    }

    private static int scalar(int codePoint) {
        return codePoint >= 0xD800 && codePoint < 0xE000 ? 0xFFFD : codePoint;
    }
}
