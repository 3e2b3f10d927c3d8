package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;

/** How the states of a text's tokens become one vector. */
public enum Pooling {
    /** That of the last token, which is the only one that has seen the whole text. */
    LAST,
    /** Their mean. */
    MEAN;

    /** What a file names, by llama.cpp's numbers: 0 none, 1 mean, 2 first token, 3 last token; the last where it names none. */
    static Pooling of(GgufFile file, String architecture) {
        String key = architecture + ".pooling_type";
        long type = file.metadata().integer(key).orElse(0);
        return switch ((int) type) {
            case 0, 3 -> LAST;
            case 1 -> MEAN;
            default -> throw new BitNetException(file.path() + ": " + key + " is " + type
                    + "; it must be 1 (mean) or 3 (last token), or be overridden");
        };
    }

    /** Whether a vector is made of the state of the token at {@code position} of {@code length}. */
    boolean reads(int position, int length) {
        return this == MEAN || position == length - 1;
    }
}
