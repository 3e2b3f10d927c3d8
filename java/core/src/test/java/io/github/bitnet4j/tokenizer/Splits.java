package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;

/** Splits for tests, also of other rooms. */
public final class Splits {

    private Splits() {}

    /** The pieces of a text in GPT-2's alphabet, which shows single bytes; the steps go through their labels, as through a file. */
    public static List<String> pieces(List<SplitStep> steps, String text) {
        return pieces(PreTokenizer.of(steps.stream().map(SplitStep::label).map(SplitStep::labelled).toList()), text);
    }

    static List<String> pieces(PreTokenizer split, String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        List<String> pieces = new ArrayList<>();
        split.split(utf8, 0, utf8.length, (bytes, from, to) -> {
            byte[] spelled = new byte[2 * (to - from)];
            pieces.add(new String(spelled, 0, ByteAlphabet.spell(bytes, from, to, spelled, 0), UTF_8));
        });
        return pieces;
    }
}
