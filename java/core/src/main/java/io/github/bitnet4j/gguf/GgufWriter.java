package io.github.bitnet4j.gguf;

import io.github.bitnet4j.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes a GGUF file: pairs and tensors are added in the order they shall have, then {@link #write} puts the file in place.
 *
 * <p>The header is built in memory, tensor data is streamed into a {@link WholeFile}. Not for use by several threads at once.
 *
 * <p>Adding a key or a tensor name twice, an empty or overlong one, or a tensor whose sizes its type cannot have, is an
 * {@link IllegalArgumentException}.
 */
public final class GgufWriter {

    /** Told how far a file is written, at least once a tensor. */
    @FunctionalInterface
    public interface Progress {
        /** @param written bytes so far; @param total bytes of the whole file */
        void at(long written, long total);
    }

    private record Pending(String name, GgmlType type, long[] dims, long bytes, TensorData data) {}

    private final LittleEndianBuffer pairs = new LittleEndianBuffer();
    private final Set<String> keys = new HashSet<>();
    private final List<Pending> tensors = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private final int version;
    private final int alignment;

    /** Version 3, tensors aligned to 32 bytes: what other programs expect. */
    public GgufWriter() {
        this(3, 32);
    }

    /**
     * @param version   2 or 3; for little-endian files the two differ in nothing else
     * @param alignment a power of two; if it is not 32, the key {@code general.alignment} is added
     */
    public GgufWriter(int version, int alignment) {
        if (version != 2 && version != 3) {
            throw new IllegalArgumentException("version " + version + " is not one of 2 and 3");
        }
        if (alignment < 1 || Integer.bitCount(alignment) != 1 || alignment > GgufFile.MAX_ALIGNMENT) {
            throw new IllegalArgumentException("alignment " + alignment + " is not a power of two from 1 to "
                    + GgufFile.MAX_ALIGNMENT);
        }
        this.version = version;
        this.alignment = alignment;
        if (alignment != GgufFile.DEFAULT_ALIGNMENT) {
            u32(GgufFile.ALIGNMENT_KEY, alignment);
        }
    }

    /** Adds an unsigned 32-bit integer, the usual type of counts and ids. */
    public GgufWriter u32(String key, long value) {
        return value(key, new GgufValue.Int(GgufType.U32, value));
    }

    /** Adds a 32-bit float. */
    public GgufWriter f32(String key, float value) {
        return value(key, new GgufValue.Real(GgufType.F32, value));
    }

    /** Adds a truth value. */
    public GgufWriter bool(String key, boolean value) {
        return value(key, new GgufValue.Bool(value));
    }

    /** Adds a string. */
    public GgufWriter string(String key, String value) {
        pair(key, GgufType.STRING).putString(value);
        return this;
    }

    /** Adds an array of strings. */
    public GgufWriter strings(String key, List<String> values) {
        LittleEndianBuffer out = array(key, GgufType.STRING, values.size());
        values.forEach(out::putString);
        return this;
    }

    /** Adds an I32 array. */
    public GgufWriter ints(String key, int... values) {
        LittleEndianBuffer out = array(key, GgufType.I32, values.length);
        for (int value : values) {
            out.put(value, Integer.BYTES);
        }
        return this;
    }

    /** Adds an array of truth values. */
    public GgufWriter bools(String key, List<Boolean> values) {
        LittleEndianBuffer out = array(key, GgufType.BOOL, values.size());
        values.forEach(value -> out.put(value ? 1 : 0, Byte.BYTES));
        return this;
    }

    /** Adds an F32 array. */
    public GgufWriter floats(String key, float... values) {
        LittleEndianBuffer out = array(key, GgufType.F32, values.length);
        for (float value : values) {
            out.put(Float.floatToRawIntBits(value), Float.BYTES);
        }
        return this;
    }

    /** Adds a value of any type, such as one that was read from another file. */
    public GgufWriter value(String key, GgufValue value) {
        pair(key, value.type()).putValue(value);
        return this;
    }

    private LittleEndianBuffer array(String key, GgufType elementType, int length) {
        return pair(key, GgufType.ARRAY).put(elementType.id(), Integer.BYTES).put(length, Long.BYTES);
    }

    private LittleEndianBuffer pair(String key, GgufType type) {
        requireName(key, keys);
        return pairs.putString(key).put(type.id(), Integer.BYTES);
    }

    private static void requireName(String name, Set<String> taken) {
        if (name.isEmpty() || name.length() > Cursor.MAX_NAME_BYTES / 3) { // three UTF-8 bytes a char at most
            throw new IllegalArgumentException("a name must have 1 to " + Cursor.MAX_NAME_BYTES / 3 + " characters, not "
                    + name.length());
        }
        if (!taken.add(name)) {
            throw new IllegalArgumentException(GgufException.quote(name) + " is already there");
        }
    }

    /**
     * Adds a tensor.
     *
     * @param dims sizes, the fastest-varying first: {@code [K, M]} for M rows of K
     * @param data asked for its bytes once, during {@link #write}
     */
    public GgufWriter tensor(String name, GgmlType type, long[] dims, TensorData data) {
        long bytes = type.byteSize(dims);
        requireName(name, names);
        tensors.add(new Pending(name, type, dims.clone(), bytes, data));
        return this;
    }

    /**
     * Writes the file.
     *
     * @param target where the complete file shall be; an existing file is replaced
     * @throws IOException           if it cannot be written, or the disk has not enough room, which is looked at first
     * @throws IllegalStateException if a tensor's data has not the size its type and sizes say
     */
    public void write(Path target, Progress progress) throws IOException {
        byte[] header = header();
        long total = header.length;
        for (Pending tensor : tensors) {
            total += aligned(tensor.bytes());
        }
        try (WholeFile file = new WholeFile(target)) {
            requireRoom(target, total);
            file.write(ByteBuffer.wrap(header));
            progress.at(file.position(), total);
            for (Pending tensor : tensors) {
                writeTensor(file, tensor, progress, total);
            }
            file.complete();
        }
    }

    private static void requireRoom(Path target, long bytes) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        long room = Files.getFileStore(folder).getUsableSpace();
        if (room < bytes) {
            throw new IOException(target + " needs " + bytes + " bytes and " + folder + " has " + room + " left");
        }
    }

    private byte[] header() {
        LittleEndianBuffer out = new LittleEndianBuffer();
        out.put(GgufFile.MAGIC, Integer.BYTES).put(version, Integer.BYTES);
        out.put(tensors.size(), Long.BYTES).put(keys.size(), Long.BYTES);
        out.writeBytes(pairs.toByteArray());
        long offset = 0;
        for (Pending tensor : tensors) {
            out.putString(tensor.name()).put(tensor.dims().length, Integer.BYTES);
            for (long dim : tensor.dims()) {
                out.put(dim, Long.BYTES);
            }
            out.put(tensor.type().id(), Integer.BYTES).put(offset, Long.BYTES);
            offset += aligned(tensor.bytes());
        }
        out.writeBytes(new byte[(int) (aligned(out.size()) - out.size())]);
        return out.toByteArray();
    }

    private long aligned(long bytes) {
        return Math.ceilDiv(bytes, (long) alignment) * alignment;
    }

    private void writeTensor(WholeFile file, Pending tensor, Progress progress, long total) throws IOException {
        TensorChannel out = new TensorChannel(file, tensor, progress, total);
        tensor.data().writeTo(out);
        if (out.written != tensor.bytes()) {
            throw new IllegalStateException("tensor " + tensor.name() + " takes " + tensor.bytes() + " bytes, and its data has "
                    + out.written);
        }
        file.write(ByteBuffer.allocate((int) (aligned(tensor.bytes()) - tensor.bytes())));
        progress.at(file.position(), total);
    }

    /** Counts what a tensor's data writes, and stops it before it runs into the next tensor. */
    private static final class TensorChannel implements WritableByteChannel {
        private final WholeFile file;
        private final Pending tensor;
        private final Progress progress;
        private final long total;
        private long written;

        TensorChannel(WholeFile file, Pending tensor, Progress progress, long total) {
            this.file = file;
            this.tensor = tensor;
            this.progress = progress;
            this.total = total;
        }

        @Override
        public int write(ByteBuffer bytes) throws IOException {
            int count = bytes.remaining();
            if (count > tensor.bytes() - written) {
                throw new IllegalStateException("tensor " + tensor.name() + " takes " + tensor.bytes()
                        + " bytes, and its data has more");
            }
            file.write(bytes);
            written += count;
            progress.at(file.position(), total);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // the file outlives its tensors
        }
    }
}
