package io.github.bitnet4j.convert;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.model.TlTiles;
import java.util.List;
import java.util.Optional;

/**
 * What a file is to become.
 *
 * @param linears format of the ternary weights, one of {@link #LINEARS}; F16, for other programs, is each weight's value
 * @param tiles   of TL1 and TL2; where nothing is said about a shape, {@link TlTiles#usual}
 * @param head    of the output head, one of {@link #HEADS}; empty for what it is
 */
public record TargetFormats(GgmlType linears, TlTiles tiles, Optional<GgmlType> head) {
    /** Formats of linears. */
    public static final List<GgmlType> LINEARS =
            List.of(GgmlType.I2_S, GgmlType.TL1, GgmlType.TL2, GgmlType.TQ1_0, GgmlType.TQ2_0, GgmlType.F16);
    /** Types of heads. */
    public static final List<GgmlType> HEADS = List.of(GgmlType.F16, GgmlType.Q8_0, GgmlType.Q6_K, GgmlType.Q4_0);
    /** I2_S, and the head that the model has. */
    public static final TargetFormats PLAIN = of(GgmlType.I2_S);

    /** A format of linears and nothing else. */
    public static TargetFormats of(GgmlType linears) {
        return new TargetFormats(linears, TlTiles.UNKNOWN, Optional.empty());
    }

    public TargetFormats {
        if (!LINEARS.contains(linears) || !head.map(HEADS::contains).orElse(true)) {
            throw new BitNetException("linears can be " + LINEARS + " and heads " + HEADS + ", not " + linears + " and " + head);
        }
    }

    TargetFormats withTiles(TlTiles tiles) {
        return new TargetFormats(linears, tiles, head);
    }

    /** {@code general.file_type}, as llama.cpp and bitnet.cpp number them. */
    int fileType() {
        return switch (linears) {
            case F16 -> 1;
            case TQ1_0 -> 36;
            case TQ2_0 -> 37;
            case TL1 -> 38;
            case TL2 -> 39;
            default -> 40;
        };
    }
}
