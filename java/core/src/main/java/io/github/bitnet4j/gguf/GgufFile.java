package io.github.bitnet4j.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A GGUF file (version 2 or 3, little-endian, of any size), mapped once and validated as a whole: after {@link #open}
 * every tensor that is listed lies within the file.
 *
 * <p>Opening reads the header only; the pages of tensors are loaded by the operating system when they are touched. All
 * methods may be called from any thread. After {@link #close} the map is gone: touching a slice of it, or a string or an
 * array of the metadata, throws {@link IllegalStateException}.
 *
 * <p><b>Do not shorten or overwrite a file while it is open.</b> The map shows the file as it is now: a page that no longer
 * exists raises an {@link InternalError} in Java code and ends the process in native code, and no check made at opening
 * can prevent that. Replace a file by renaming another one over it, as {@link GgufWriter} does.
 *
 * <p>Source: the GGUF specification (ggml, {@code docs/gguf.md}).
 */
public final class GgufFile implements AutoCloseable {
    static final int MAGIC = 0x46554747; // "GGUF", read little-endian
    static final long DEFAULT_ALIGNMENT = 32;
    static final long MAX_ALIGNMENT = 1 << 20;
    /** Most tensors a header may hold; real files have at most a few thousand. */
    private static final long MAX_TENSORS = 65536;
    /** The smallest tensor entry: a name of one byte, n_dims, one dimension, type and offset. */
    private static final long MIN_TENSOR_BYTES = Long.BYTES + 1 + Integer.BYTES + Long.BYTES + Integer.BYTES + Long.BYTES;
    static final String ALIGNMENT_KEY = "general.alignment";

    private final Path path;
    private final Arena arena;
    private final MemorySegment map;
    private final int version;
    private final long alignment;
    private final GgufMetadata metadata;
    private final Map<String, GgufTensor> tensors;
    private final long dataOffset;

    private GgufFile(Path path, Arena arena, MemorySegment map) {
        this.path = path;
        this.arena = arena;
        this.map = map;
        Cursor in = new Cursor(map, 0);
        this.version = readVersion(in);
        long tensorCountOffset = in.position();
        long tensorCount = in.u64("tensor count");
        long pairCountOffset = in.position();
        long pairCount = in.u64("key/value count");
        if (tensorCount < 0 || tensorCount > in.remaining() / MIN_TENSOR_BYTES) {
            throw new GgufException("tensor count", tensorCountOffset, Long.toUnsignedString(tensorCount)
                    + " tensors cannot fit in " + map.byteSize() + " bytes; the file is truncated or not a GGUF");
        }
        if (tensorCount > MAX_TENSORS) {
            throw new GgufException("tensor count", tensorCountOffset, tensorCount + " tensors are more than the limit of "
                    + MAX_TENSORS);
        }
        this.metadata = GgufMetadata.read(in, pairCount, pairCountOffset);
        this.alignment = readAlignment(metadata);
        List<TensorInfo> infos = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            infos.add(TensorInfo.read(in, i));
        }
        this.dataOffset = -Math.floorDiv(-in.position(), alignment) * alignment;
        this.tensors = place(infos);
    }

    /**
     * Maps and validates a file.
     *
     * @throws GgufException if the content is malformed: the message names the field, its offset and the problem
     * @throws IOException   if there is no such regular file, or it cannot be read
     */
    public static GgufFile open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) { // a pipe would block, and a directory has no useful error
            throw Files.exists(path) ? new IOException(path + " is not a regular file") : new NoSuchFileException(path.toString());
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new GgufFile(path, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    private static int readVersion(Cursor in) {
        long magic = in.u32("magic");
        if (magic != MAGIC) {
            throw new GgufException("magic", 0, String.format("the file starts with %08x and not with GGUF (47475546); "
                    + "it is not a GGUF file", Integer.reverseBytes((int) magic)));
        }
        long version = in.u32("version");
        if (version == 2 || version == 3) {
            return (int) version;
        }
        int swapped = Integer.reverseBytes((int) version);
        if (swapped > 0 && swapped < 256) {
            throw new GgufException("version", 4, "the file is big-endian, which this reader does not support");
        }
        throw new GgufException("version", 4, "version " + version + " is not one of 2 and 3");
    }

    private static long readAlignment(GgufMetadata metadata) {
        long alignment = metadata.integer(ALIGNMENT_KEY).orElse(DEFAULT_ALIGNMENT);
        if (alignment < 1 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
            throw new GgufException("value of '" + ALIGNMENT_KEY + "'", metadata.offset(ALIGNMENT_KEY),
                    alignment + " is not a power of two from 1 to " + MAX_ALIGNMENT);
        }
        return alignment;
    }

    /** What the header says about one tensor, its dimensions checked and its place not yet. */
    private record TensorInfo(String name, long nameOffset, long[] dims, long typeOffset, int typeId, long offsetOffset,
            long offset) {

        static TensorInfo read(Cursor in, long number) {
            long nameOffset = in.position();
            String name = in.name("name of tensor " + number);
            String field = "tensor " + GgufException.quote(name);
            long rankOffset = in.position();
            long rank = in.u32("n_dims of " + field);
            if (rank < 1 || rank > 4) {
                throw new GgufException("n_dims of " + field, rankOffset, rank + " dimensions are not one to four");
            }
            long dimsOffset = in.position();
            long[] dims = new long[(int) rank];
            for (int i = 0; i < rank; i++) {
                dims[i] = in.u64("dims of " + field);
            }
            try {
                GgmlType.elements(dims);
            } catch (IllegalArgumentException e) {
                throw new GgufException("dims of " + field, dimsOffset, e.getMessage());
            }
            long typeOffset = in.position();
            int typeId = (int) in.u32("type of " + field);
            long offsetOffset = in.position();
            return new TensorInfo(name, nameOffset, dims, typeOffset, typeId, offsetOffset, in.u64("offset of " + field));
        }

        String field() {
            return "tensor " + GgufException.quote(name);
        }
    }

    private Map<String, GgufTensor> place(List<TensorInfo> infos) {
        TreeSet<Long> starts = new TreeSet<>();
        infos.forEach(info -> starts.add(info.offset()));
        Map<String, GgufTensor> placed = new LinkedHashMap<>();
        long room = map.byteSize() - dataOffset;
        for (TensorInfo info : infos) {
            if (info.offset() < 0 || info.offset() % alignment != 0) {
                throw new GgufException("offset of " + info.field(), info.offsetOffset(),
                        Long.toUnsignedString(info.offset()) + " is not a multiple of the alignment " + alignment);
            }
            if (info.offset() > room) {
                throw new GgufException("offset of " + info.field(), info.offsetOffset(), "its data starts at "
                        + info.offset() + " of " + Math.max(0, room) + " bytes of tensor data; the file is truncated");
            }
            Long next = starts.higher(info.offset());
            GgufTensor tensor = place(info, room, (next == null ? room : next) - info.offset());
            if (placed.put(info.name(), tensor) != null) {
                throw new GgufException("name of tensor " + placed.size(), info.nameOffset(),
                        GgufException.quote(info.name()) + " is already there");
            }
        }
        return placed;
    }

    /**
     * @param room  bytes of tensor data in the file
     * @param space bytes from this tensor to the next one, or to the end of the file
     */
    private GgufTensor place(TensorInfo info, long room, long space) {
        GgmlType type = GgmlType.of(info.typeId());
        long start = dataOffset + info.offset();
        if (type == GgmlType.UNKNOWN) {
            return new GgufTensor(info.name(), info.typeId(), type, info.dims(), start, Optional.empty());
        }
        Optional<GgmlType> namesake = type.namesake().filter(other -> fills(other, info.dims(), space));
        if (namesake.isPresent() && !fills(type, info.dims(), space)) {
            type = namesake.get();
        }
        long bytes;
        try {
            bytes = type.byteSize(info.dims());
        } catch (IllegalArgumentException e) {
            throw new GgufException("type of " + info.field(), info.typeOffset(), "it cannot be " + type + ": " + e.getMessage());
        }
        if (bytes > room - info.offset()) {
            throw new GgufException("offset of " + info.field(), info.offsetOffset(), "its " + bytes + " bytes start at "
                    + info.offset() + " of " + room + " bytes of tensor data; the file is truncated");
        }
        return new GgufTensor(info.name(), info.typeId(), type, info.dims(), start,
                Optional.of(map.asSlice(start, bytes)));
    }

    /** Whether a tensor of this type and these sizes leaves less than the alignment of {@code space} unused. */
    private boolean fills(GgmlType type, long[] dims, long space) {
        try {
            long unused = space - type.byteSize(dims);
            return unused >= 0 && unused < alignment;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** The file this is. */
    public Path path() {
        return path;
    }

    /** The size of the file in bytes. */
    public long size() {
        return map.byteSize();
    }

    /** The version of the format, 2 or 3. */
    public int version() {
        return version;
    }

    /** The alignment of tensor data in bytes, a power of two. */
    public long alignment() {
        return alignment;
    }

    /** Where tensor data begins, in bytes from the start of the file. */
    public long dataOffset() {
        return dataOffset;
    }

    /** The bytes of all tensors and the padding between them: a slice of the map. */
    public MemorySegment tensorData() {
        return map.asSlice(Math.min(dataOffset, map.byteSize()));
    }

    /** The key/value pairs. */
    public GgufMetadata metadata() {
        return metadata;
    }

    /** All tensors in the order of the header; unmodifiable. */
    public List<GgufTensor> tensors() {
        return List.copyOf(tensors.values());
    }

    /** The tensor with this name. */
    public Optional<GgufTensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * The tensor with this name.
     *
     * @throws GgufException if there is none
     */
    public GgufTensor requireTensor(String name) {
        return tensor(name).orElseThrow(() -> new GgufException("tensor " + GgufException.quote(name), dataOffset,
                "the file has no tensor of this name"));
    }

    /** Unmaps the file. A second call does nothing. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
