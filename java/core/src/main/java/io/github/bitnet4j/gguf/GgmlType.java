package io.github.bitnet4j.gguf;

import java.util.Optional;

/**
 * How the elements of a tensor are stored. A format is blocks of {@link #blockSize()} consecutive elements in
 * {@link #blockBytes()} bytes; I2_S in all orders, I2_R16, I2_C, B3_R80, TL1 and TL2 add a scale for the whole tensor and
 * have size rules of their own.
 *
 * <p>Source: {@code enum ggml_type} and the {@code block_*} structs of ggml ({@code ggml-common.h}); ids 36 to 39 as in
 * bitnet.cpp, whose files this project runs. In ggml itself 36 to 38 are retired and 39 is MXFP4: {@link GgufFile} tells
 * {@link #TL2} and {@link #MXFP4} apart by the space a tensor has in the file.
 */
public enum GgmlType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, 1, 2),
    Q4_0_4_4(31, 32, 18),
    Q4_0_4_8(32, 32, 18),
    Q4_0_8_8(33, 32, 18),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    /** Two bits a weight, then one f32 scale in 32 bytes. */
    I2_S(36, 4, 1),
    I8_S(37, 1, 1),
    /** Pairs of weights in four bits, then one f32 scale in 32 bytes. */
    TL1(38, 4, 1),
    /** Triples of weights in five bits (and pairs in four), then one f32 scale in 32 bytes. Block sizes do not apply. */
    TL2(39, 1, 0),
    MXFP4(39, 32, 17),
    NVFP4(40, 64, 36),
    /** I2_S with four rows in a byte, which files call {@link #I2_S} (docs/formats.md). */
    I2_S_ROWS4(1004, 4, 1),
    /** I2_S in blocks of 64, which files call {@link #I2_S} (docs/formats.md). */
    I2_S_64(1064, 4, 1),
    /** This project's: as I2_S, with sixteen rows interleaved (docs/formats.md). */
    I2_R16(1016, 4, 1),
    /** This project's: as I2_S, by columns (docs/formats.md). */
    I2_C(1017, 4, 1),
    /** This project's: ternary, base 3, five weights a byte (docs/formats.md), then a scale. Block sizes do not apply. */
    B3_R80(1080, 1, 0),
    /** This project's: the coarse copy of an output head at 3 + 1 bits (docs/formats.md). Block sizes do not apply. */
    D31_R16(1033, 1, 0),
    /** An id this list does not have: the tensor can be listed, but neither its size nor its data is known. */
    UNKNOWN(-1, 1, 0);

    /** Bytes that follow the weights of an I2_S, I2_R16, I2_C, B3_R80, TL1 or TL2 tensor; the first four are the f32 scale. */
    public static final int SCALE_BYTES = 32;

    private final int id;
    private final int blockSize;
    private final int blockBytes;

    GgmlType(int id, int blockSize, int blockBytes) {
        this.id = id;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    /** The id in the file; -1 for {@link #UNKNOWN}. */
    public int id() {
        return id;
    }

    /** Elements in a block. */
    public int blockSize() {
        return blockSize;
    }

    /** Bytes in a block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** The type with this id, where 39 is {@link #TL2}; {@link #UNKNOWN} for an id that is not listed. */
    public static GgmlType of(int id) {
        for (GgmlType type : values()) {
            if (type.id == id && id >= 0) {
                return type;
            }
        }
        return UNKNOWN;
    }

    /**
     * The bytes that a tensor of this type takes.
     *
     * @param dims one to four sizes, the fastest-varying first, each at least 1
     * @throws IllegalArgumentException if no tensor of these sizes can have this type: the message is a clause such as
     *     {@code rows of 100 elements are not whole blocks of 32}
     */
    public long byteSize(long... dims) {
        long elements = elements(dims);
        try {
            return switch (this) {
                case UNKNOWN -> throw new IllegalArgumentException("the size of an unknown type is unknown");
                case I2_S, I2_S_ROWS4, I2_S_64, I2_R16, I2_C, TL1 -> Math.addExact(blocks(elements, elements) * blockBytes, SCALE_BYTES);
                case B3_R80 -> Math.addExact(b3r80Bytes(dims[0], elements / dims[0]), SCALE_BYTES);
                case TL2 -> tl2Bytes(dims[0], elements / dims[0]);
                case D31_R16 -> d31r16Bytes(dims[0], elements / dims[0]);
                default -> Math.multiplyExact(blocks(dims[0], elements), blockBytes);
            };
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("its size in bytes overflows 64 bits", e);
        }
    }

    /**
     * The number of elements of a tensor.
     *
     * @throws IllegalArgumentException if there are not one to four sizes, one is below 1, or the product overflows
     */
    static long elements(long... dims) {
        if (dims.length < 1 || dims.length > 4) {
            throw new IllegalArgumentException(dims.length + " dimensions are not one to four");
        }
        long elements = 1;
        for (long dim : dims) {
            if (dim < 1) {
                throw new IllegalArgumentException("a size of " + Long.toUnsignedString(dim) + " is not 1 to 2^63 - 1");
            }
            if (Math.multiplyHigh(elements, dim) != 0 || elements * dim < 0) {
                throw new IllegalArgumentException("the number of elements overflows 63 bits");
            }
            elements *= dim;
        }
        return elements;
    }

    private long blocks(long run, long elements) {
        if (run % blockSize != 0) {
            throw new IllegalArgumentException("rows of " + run + " elements are not whole blocks of " + blockSize);
        }
        return elements / blockSize;
    }

    /**
     * bitnet.cpp reserves room as if the last 256 columns of each row were pairs and all before them triples, whatever
     * the tiling; the divisions truncate in this order.
     */
    private static long tl2Bytes(long k, long m) {
        if (k < 256) {
            throw new IllegalArgumentException("rows of " + k + " elements are shorter than the 256 that TL2 needs");
        }
        long triples = Math.multiplyExact(Math.multiplyExact(k - 256, m) / 3, 5) / 8;
        long pairs = Math.multiplyExact(256 / 2 * 4, m) / 8;
        long weights = Math.addExact(triples, pairs);
        return Math.addExact(weights, SCALE_BYTES - 1) / SCALE_BYTES * SCALE_BYTES + SCALE_BYTES;
    }

    /** Groups of 16 rows, the last one filled up, each with 128 bytes of steps and sums, then fourth bits; 64 bytes in the end. */
    private static long d31r16Bytes(long k, long m) {
        if (k % 32 != 0 || k > 8192) {
            throw new IllegalArgumentException("rows of " + k + " elements are not a multiple of 32 up to 8192");
        }
        return Math.addExact(Math.multiplyExact(Math.ceilDiv(m, 16), Math.addExact(Math.multiplyExact(k, 6 + 2), 128)), 64);
    }

    /** Lines of 64 bytes, 80 rows by 4 columns each, the last rows filled up. */
    private static long b3r80Bytes(long k, long m) {
        if (m % 16 != 0 || k % 4 != 0) {
            throw new IllegalArgumentException(m + " rows of " + k + " elements are not a multiple of 16 rows and 4 columns");
        }
        return Math.multiplyExact(Math.multiplyExact(Math.ceilDiv(m, 80), k / 4), 64);
    }

    /** The other type that shares this id, if there is one. */
    Optional<GgmlType> namesake() {
        return this == TL2 ? Optional.of(MXFP4) : Optional.empty();
    }
}
