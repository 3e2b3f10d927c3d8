package io.github.bitnet4j.convert;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.Kernels;
import io.github.bitnet4j.model.Matrix;
import io.github.bitnet4j.model.TlTiles;
import io.github.bitnet4j.model.TqScales;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A model file in the making. Whoever reads a model, a GGUF file or a checkpoint, adds its metadata and tensors; what
 * becomes of linears and of the head is the {@link TargetFormats}'s to say. Tensors are converted while the file is written, one
 * linear and a few rows of a table in memory at a time.
 */
public final class ModelWriter {
    /** A ternary matrix, asked when it is its turn. */
    public interface Linear {
        /** What a weight of +1 is worth. */
        float scale();

        /** Writes all codes as I2_S, {@code rows * cols / 4} bytes, and lets the pages go that they came from. */
        void codes(Kernels kernels, MemorySegment i2s);
    }

    private static final String FILE_TYPE_KEY = "general.file_type";
    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";
    private static final int GGUF_VERSION = 3;
    /** A cache line, so that kernels read whole ones. */
    private static final int ALIGNMENT = 64;
    /** What ik_llama.cpp's llama-quantize, which F16 files are for, takes for granted; of other files its copies begin too early. */
    private static final int F16_ALIGNMENT = 32;
    /** What is encoded before it is written, about. */
    private static final long PIECE_BYTES = 4 << 20;

    /** @param data of a mapped file */
    private record Table(GgmlType from, long rows, long cols, MemorySegment data, GgmlType as) {}

    private final Path source;
    private final TargetFormats target;
    private final GgufWriter writer;
    private final List<Linear> linears = new ArrayList<>();
    private final Map<TlTiles.Shape, TlTiles.Tiles> used = new TreeMap<>();
    private Optional<Table> embedding = Optional.empty();
    private boolean hasHead;
    private Kernels kernels;

    /** @param source of the model, for sentences */
    public ModelWriter(Path source, TargetFormats target) {
        this.source = source;
        this.target = target;
        writer = new GgufWriter(GGUF_VERSION, target.linears() == GgmlType.F16 ? F16_ALIGNMENT : ALIGNMENT);
        writer.u32(FILE_TYPE_KEY, target.fileType());
    }

    /** Whether this writer sets the key itself. */
    public static boolean owns(String key) {
        return List.of(FILE_TYPE_KEY, "general.alignment", TlTiles.KEY, TqScales.KEY).contains(key);
    }

    /** Takes metadata, but for the keys that it {@link #owns}. */
    public GgufWriter metadata() {
        return writer;
    }

    /** Adds a tensor as it is. */
    public void tensor(String name, GgmlType type, long[] dims, TensorData data) {
        writer.tensor(name, type, dims, data);
    }

    /**
     * Adds the table of embeddings.
     *
     * @param as the type to write it in
     */
    public void embedding(GgmlType from, long rows, long cols, MemorySegment data, GgmlType as) {
        embedding = Optional.of(new Table(from, rows, cols, data, as));
        table(EMBEDDING, embedding.get());
    }

    /**
     * Adds a head of the model's own.
     *
     * @param as the type to write it in if the target names none
     */
    public void head(GgmlType from, long rows, long cols, MemorySegment data, GgmlType as) {
        hasHead = true;
        table(HEAD, new Table(from, rows, cols, data, target.head().orElse(as)));
    }

    private void table(String name, Table table) {
        long[] dims = {table.cols, table.rows};
        if (table.from == table.as) {
            writer.tensor(name, table.as, dims, TensorData.of(table.data));
            return;
        }
        TableEncoder encoder = TableEncoder.of(table.as);
        encoder.requireFit(name, table.from, table.cols);
        writer.tensor(name, table.as, dims, out -> {
            long rowBytes = table.from.byteSize(table.cols);
            long step = Math.max(1, PIECE_BYTES / rowBytes);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment piece = arena.allocate(table.as.byteSize(table.cols, Math.min(step, table.rows)));
                for (long row = 0; row < table.rows; row += step) {
                    long rows = Math.min(step, table.rows - row);
                    MemorySegment read = table.data.asSlice(row * rowBytes, rows * rowBytes);
                    encoder.encode(table.from, read, table.cols, piece);
                    read.unload();
                    TensorData.of(piece.asSlice(0, table.as.byteSize(table.cols, rows))).writeTo(out);
                }
            } catch (BitNetException e) {
                throw new BitNetException(source + ": tensor " + name + " " + e.getMessage(), e);
            }
        });
    }

    /**
     * Adds a linear.
     *
     * @throws BitNetException if the target's format cannot have its shape
     */
    public void linear(String name, long rows, long cols, Linear linear) {
        GgmlType type = target.linears();
        if (!I2sRows.fits(rows, cols) || !Kernels.fits(type, rows, cols)) {
            throw bad(name, "it has " + rows + " rows of " + cols + " weights, which " + type + " cannot have; I2_S takes rows of "
                    + "a multiple of 32, TL1 rows by 32 and columns by 4, TL2 rows and columns by 32 and 256 columns at least, "
                    + "TQ1_0 and TQ2_0 columns by 256");
        }
        Optional<TlTiles.Tiles> tiles = type == GgmlType.TL1 || type == GgmlType.TL2
                ? target.tiles().of(rows, cols).or(() -> Optional.of(TlTiles.usual(type, rows, cols))) : Optional.empty();
        tiles.ifPresent(t -> used.put(new TlTiles.Shape(rows, cols), t));
        linears.add(linear);
        writer.tensor(name, type, new long[] {cols, rows}, out -> write(name, rows, cols, linear, tiles, out));
    }

    /**
     * Writes the file, which appears when it is complete.
     *
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if a tensor is damaged or cannot be converted
     * @throws IOException     if the file cannot be written
     */
    public void write(Path file, GgufWriter.Progress progress) throws IOException {
        if (!hasHead && target.head().isPresent() && embedding.isPresent() && embedding.get().as != target.head().get()) {
            Table table = embedding.get();
            head(table.from, table.rows, table.cols, table.data, table.as);
        }
        if (!used.isEmpty()) {
            writer.string(TlTiles.KEY, new TlTiles(used, Optional.empty()).toString());
        }
        if (TqScales.has(target.linears())) {
            float[] scales = new float[linears.size()];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = linears.get(i).scale();
            }
            writer.floats(TqScales.KEY, scales);
        }
        try (Kernels all = new Kernels(Cpu.physicalCores(), "auto")) {
            kernels = all;
            writer.write(file, progress);
        }
    }

    private void write(String name, long rows, long cols, Linear linear, Optional<TlTiles.Tiles> tiles, WritableByteChannel out)
            throws IOException {
        GgmlType type = target.linears();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment i2s = arena.allocate(Kernels.bytes(GgmlType.I2_S, rows, cols), ALIGNMENT);
            linear.codes(kernels, i2s);
            if (type == GgmlType.F16) {
                writeHalves(i2s, cols, linear.scale(), out);
            } else {
                Matrix codes = new Matrix(i2s, GgmlType.I2_S, rows, cols, Optional.empty());
                write(name, new TernaryData(kernels, codes, linear.scale(), type, tiles), out);
            }
        }
    }

    private void write(String name, TernaryData data, WritableByteChannel out) throws IOException {
        try {
            data.writeTo(out);
        } catch (BitNetException e) {
            throw bad(name, e.getMessage());
        }
    }

    /** Row after row: I2_S keeps weight e of 128 in byte e % 32, the first 32 in the top bits. */
    private static void writeHalves(MemorySegment i2s, long cols, float scale, WritableByteChannel out) throws IOException {
        short one = Float.floatToFloat16(scale);
        short[] values = {(short) (one | 0x8000), 0, one, 0};
        byte[] codes = new byte[(int) I2sRows.bytes(1, cols)];
        ByteBuffer halves = ByteBuffer.allocateDirect((int) (cols * Short.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (long at = 0; at < i2s.byteSize(); at += codes.length) {
            MemorySegment.copy(i2s, ValueLayout.JAVA_BYTE, at, codes, 0, codes.length);
            halves.clear();
            for (int e = 0; e < cols; e++) {
                halves.putShort(e * Short.BYTES, values[codes[e / 128 * 32 + e % 32] >> 6 - 2 * (e % 128 / 32) & 3]);
            }
            out.write(halves);
        }
    }

    private BitNetException bad(String name, String problem) {
        return new BitNetException(source + ": tensor " + name + ": " + problem);
    }
}
