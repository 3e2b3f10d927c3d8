package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.bn_tiles;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How TL1 and TL2 tensors are cut into tiles. Files of bitnet.cpp do not record it: it was chosen when the program that
 * wrote them was built. Files written here record it in their metadata.
 *
 * @param byShape tiles of the tensors of a shape
 * @param others  tiles of those of any other shape
 */
public record TlTiles(Map<Shape, Tiles> byShape, Optional<Tiles> others) {
    /** Metadata: the tiles of a file, as {@link #parse} reads them. */
    public static final String KEY = "bitnet4j.tl.tiles";
    /** Nothing is known. */
    public static final TlTiles UNKNOWN = new TlTiles(Map.of(), Optional.empty());

    private static final Pattern TILES = Pattern.compile("(?:(\\d{1,9})x(\\d{1,9})=)?(\\d{1,4})/(\\d{1,4})/(\\d{1,4})");
    private static final int MOST_ROWS = 256;
    private static final int BAND = 32;
    private static final int TL1_MOST_COLS = 128;
    private static final int TL1_COLS_STEP = 8;
    private static final int TL2_COLS = 96;

    /** What bitnet.cpp is built with for the shapes of the models it names. */
    private static final Map<GgmlType, TlTiles> PUBLISHED = Map.of(
            GgmlType.TL1, parse("1536x4096=256/128/32,1536x1536=128/64/64,4096x1536=256/128/32,3200x8640=160/64/32,"
                    + "3200x3200=320/128/64,8640x3200=320/64/32,14336x4096=256/128/32,4096x14336=128/64/64,"
                    + "1024x4096=256/128/32,4096x4096=128/64/64"),
            GgmlType.TL2, parse("1536x4096=256/96/32,1536x1536=128/192/32,4096x1536=256/96/32,3200x8640=160/96/32,"
                    + "3200x3200=320/96/32,8640x3200=320/96/32,14336x4096=256/96/32,4096x14336=128/96/32,"
                    + "1024x4096=256/96/32,4096x4096=128/96/32"));

    /** Outputs and inputs of a matrix. */
    public record Shape(long rows, long cols) implements Comparable<Shape> {
        @Override
        public int compareTo(Shape other) {
            return rows != other.rows ? Long.compare(rows, other.rows) : Long.compare(cols, other.cols);
        }

        @Override
        public String toString() {
            return rows + "x" + cols;
        }
    }

    /** A tile of {@code rows} x {@code cols} weights (BM, BK), whose rows lie side by side {@code band} (bm) at a time. */
    public record Tiles(int rows, int cols, int band) {
        /** Writes them to a {@code bn_tiles}, and gives it. */
        MemorySegment fill(MemorySegment tiles) {
            bn_tiles.rows(tiles, rows);
            bn_tiles.cols(tiles, cols);
            bn_tiles.band(tiles, band);
            return tiles;
        }

        @Override
        public String toString() {
            return rows + "/" + cols + "/" + band;
        }
    }

    public TlTiles {
        byShape = Map.copyOf(byShape);
    }

    /**
     * Reads tiles such as {@code 256/128/32} for all shapes, or {@code 2560x6912=256/96/32,2560x2560=128/96/32}.
     *
     * @throws IllegalArgumentException if the text is of no such form
     */
    public static TlTiles parse(String text) {
        Map<Shape, Tiles> byShape = new TreeMap<>();
        Optional<Tiles> others = Optional.empty();
        for (String part : text.split(",", -1)) {
            Matcher matcher = TILES.matcher(part.strip());
            if (!matcher.matches()) {
                throw new IllegalArgumentException("tiles are '" + text + "'; they must be BM/BK/bm, such as 256/128/32, or "
                        + "ROWSxCOLS=BM/BK/bm for each shape, separated by commas");
            }
            Tiles tiles = new Tiles(number(matcher, 3), number(matcher, 4), number(matcher, 5));
            if (matcher.group(1) == null) {
                others = Optional.of(tiles);
            } else {
                byShape.put(new Shape(number(matcher, 1), number(matcher, 2)), tiles);
            }
        }
        return new TlTiles(byShape, others);
    }

    private static int number(Matcher matcher, int group) {
        return Integer.parseInt(matcher.group(group));
    }

    /**
     * What a file records; nothing, for a file of another program.
     *
     * @throws BitNetException if it is no text of that form
     */
    public static TlTiles of(GgufFile file) {
        try {
            return file.metadata().string(KEY).map(TlTiles::parse).orElse(UNKNOWN);
        } catch (IllegalArgumentException e) {
            throw new BitNetException(file.path() + ": " + KEY + ": " + e.getMessage(), e);
        }
    }

    /** The tiles of a matrix, if they are known. */
    public Optional<Tiles> of(long rows, long cols) {
        return Optional.ofNullable(byShape.get(new Shape(rows, cols))).or(() -> others);
    }

    /** These where they say something, otherwise those. */
    public TlTiles or(TlTiles those) {
        return equals(UNKNOWN) ? those : this;
    }

    /**
     * The tiles of a tensor, if it is TL1 or TL2.
     *
     * @throws BitNetException if they are not known: the message says how to name them
     */
    public Optional<Tiles> of(GgufTensor tensor) {
        if (tensor.type() != GgmlType.TL1 && tensor.type() != GgmlType.TL2) {
            return Optional.empty();
        }
        Optional<Tiles> known = of(tensor.rows(), tensor.cols());
        if (known.isEmpty()) {
            Shape shape = new Shape(tensor.rows(), tensor.cols());
            throw new BitNetException(tensor.type() + " in tiles that the file does not record; name them with --tl-tiles " + shape
                    + "=" + published(tensor.type(), shape.rows(), shape.cols())
                            .map(tiles -> tiles + ", which is usual for this shape").orElse("BM/BK/bm, as the file was written"));
        }
        return known;
    }

    /** What bitnet.cpp is built with for this shape, if it is one of a model that it names. */
    public static Optional<Tiles> published(GgmlType type, long rows, long cols) {
        return PUBLISHED.get(type).of(rows, cols);
    }

    /**
     * The tiles that a matrix gets when nobody chooses: those of bitnet.cpp, and for other shapes the most rows up to 256 that
     * divide, by 96 columns (TL2) or the most up to 128 that divide (TL1), in bands of 32 rows. A tile of weights then
     * fits the first-level cache beside its tables.
     */
    public static Tiles usual(GgmlType type, long rows, long cols) {
        return published(type, rows, cols).orElseGet(() -> new Tiles(divisor(rows, BAND, MOST_ROWS),
                type == GgmlType.TL2 ? TL2_COLS : divisor(cols, TL1_COLS_STEP, TL1_MOST_COLS), BAND));
    }

    /** The largest multiple of {@code step} up to {@code most} that divides {@code whole}; {@code step} if none does. */
    private static int divisor(long whole, int step, int most) {
        int found = step;
        for (int i = step; i <= most; i += step) {
            found = whole % i == 0 ? i : found;
        }
        return found;
    }

    /** The form that {@link #parse} reads. */
    @Override
    public String toString() {
        return Stream.concat(new TreeMap<>(byShape).entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()),
                others.stream().map(Tiles::toString)).collect(Collectors.joining(","));
    }
}
