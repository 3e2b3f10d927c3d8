package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A safetensors file, mapped once: after {@link #open} every tensor that is listed lies within the file and has the size
 * that its type and shape say.
 *
 * <pre>
 * u64 length of the header | JSON {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...} | data
 * </pre>
 *
 * <p>Source: the format section of the safetensors project's README.
 */
final class SafetensorsFile implements AutoCloseable {
    /** The format's own limit. */
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final String METADATA = "__metadata__";
    private static final ValueLayout.OfLong LITTLE_LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final Arena arena;
    private final Map<String, CheckpointTensor> tensors = new LinkedHashMap<>();

    private SafetensorsFile(Path path, Arena arena, MemorySegment map) {
        this.path = path;
        this.arena = arena;
        require(map.byteSize() >= Long.BYTES, "has " + map.byteSize() + " bytes; the file is truncated");
        long length = map.get(LITTLE_LONG, 0);
        require(length > 0 && length <= Math.min(MAX_HEADER_BYTES, map.byteSize() - Long.BYTES), "has a header of "
                + Long.toUnsignedString(length) + " bytes and is " + map.byteSize() + " long; it is truncated or no safetensors file");
        JsonNode header = parse(map.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE));
        MemorySegment data = map.asSlice(Long.BYTES + length);
        header.properties().forEach(entry -> {
            if (!entry.getKey().equals(METADATA)) {
                tensors.put(entry.getKey(), tensor(entry.getKey(), entry.getValue(), data));
            }
        });
    }

    /**
     * Maps and validates a file.
     *
     * @throws BitNetException if its content is malformed; the message names the file and what is wrong
     * @throws IOException     if it cannot be read
     */
    static SafetensorsFile open(Path path) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new SafetensorsFile(path, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    /** By name, in the order of the header; unmodifiable. */
    Map<String, CheckpointTensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    private JsonNode parse(byte[] header) {
        try {
            JsonNode node = new ObjectMapper().readTree(header);
            require(node != null && node.isObject(), "has a header that is no JSON object");
            return node;
        } catch (JsonProcessingException e) {
            throw bad("has a header that is no JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw bad("has a header that is no JSON");
        }
    }

    private CheckpointTensor tensor(String name, JsonNode entry, MemorySegment data) {
        String what = "tensor " + name + " ";
        JsonNode shape = entry.path("shape");
        JsonNode offsets = entry.path("data_offsets");
        require(shape.isArray() && offsets.isArray() && offsets.size() == 2, what + "lacks shape or data_offsets");
        CheckpointTensor.Type type = CheckpointTensor.Type.named(entry.path("dtype").asText())
                .orElseThrow(() -> bad(what + "has the unknown dtype '" + entry.path("dtype").asText() + "'"));
        long[] dims = new long[shape.size()];
        long bytes = type.bytes();
        for (int i = 0; i < dims.length; i++) {
            dims[i] = shape.get(i).asLong(-1);
            require(dims[i] >= 0 && Math.multiplyHigh(bytes, dims[i]) == 0 && bytes * dims[i] >= 0, what + "has the shape " + shape);
            bytes *= dims[i];
        }
        long begin = offsets.get(0).asLong(-1);
        long end = offsets.get(1).asLong(-1);
        require(begin >= 0 && begin <= end && end <= data.byteSize(), what + "ends at byte " + end + " of " + data.byteSize()
                + "; the file is truncated");
        require(end - begin == bytes, what + "takes " + bytes + " bytes by its dtype and shape, and " + (end - begin)
                + " by its offsets");
        return new CheckpointTensor(name, type, dims, data.asSlice(begin, bytes));
    }

    private void require(boolean condition, String problem) {
        if (!condition) {
            throw bad(problem);
        }
    }

    private BitNetException bad(String problem) {
        return new BitNetException(path + " " + problem);
    }

    @Override
    public void close() {
        arena.close();
    }
}
