package io.github.bitnet4j.gguf;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * One tensor of a file: its name, format and sizes, and the slice of the map that holds its bytes.
 *
 * <p>Immutable and usable from any thread; the slice lives as long as the {@link GgufFile} is open.
 */
public final class GgufTensor {
    private final String name;
    private final int typeId;
    private final GgmlType type;
    private final long[] dims;
    private final long offset;
    private final Optional<MemorySegment> data;

    GgufTensor(String name, int typeId, GgmlType type, long[] dims, long offset, Optional<MemorySegment> data) {
        this.name = name;
        this.typeId = typeId;
        this.type = type;
        this.dims = dims;
        this.offset = offset;
        this.data = data;
    }

    /** The name, unique in the file. */
    public String name() {
        return name;
    }

    /** The format; {@link GgmlType#UNKNOWN} if {@link #typeId()} is not a known one. */
    public GgmlType type() {
        return type;
    }

    /** The id of the format as it stands in the file. */
    public int typeId() {
        return typeId;
    }

    /** The sizes, the fastest-varying first: a matrix of M rows of K is {@code [K, M]}. A fresh array. */
    public long[] dims() {
        return dims.clone();
    }

    /** The number of dimensions, 1 to 4. */
    public int rank() {
        return dims.length;
    }

    /** Elements in a row: the first dimension. For a weight matrix, K, the inputs. */
    public long cols() {
        return dims[0];
    }

    /** The number of rows: the product of all dimensions but the first. For a weight matrix, M, the outputs. */
    public long rows() {
        return elements() / dims[0];
    }

    /** The number of elements. */
    public long elements() {
        return GgmlType.elements(dims);
    }

    /** Where the data starts, in bytes from the start of the file. */
    public long offset() {
        return offset;
    }

    /** Whether the format is known, and so the size and the data. */
    public boolean hasData() {
        return data.isPresent();
    }

    /**
     * The size of the data in bytes.
     *
     * @throws GgufException if the format is unknown
     */
    public long byteSize() {
        return data().byteSize();
    }

    /**
     * The bytes in the file's own layout: a read-only slice of the map, not a copy.
     *
     * @throws GgufException if the format is unknown
     */
    public MemorySegment data() {
        return data.orElseThrow(() -> new GgufException("data of tensor " + GgufException.quote(name), offset,
                "the size of type " + typeId + " is not known to this reader"));
    }

    /** Name, format and sizes, such as {@code blk.0.attn_q.weight I2_S [2560, 2560]}. */
    @Override
    public String toString() {
        return name + " " + (type == GgmlType.UNKNOWN ? "type " + typeId : type) + " " + Arrays.toString(dims);
    }
}
