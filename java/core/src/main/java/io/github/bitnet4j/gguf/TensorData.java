package io.github.bitnet4j.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Where a {@link GgufWriter} gets the bytes of a tensor from, when it is that tensor's turn. */
@FunctionalInterface
public interface TensorData {
    /**
     * Writes all bytes of the tensor, in as many calls as is convenient. Each {@code write} takes the whole buffer. Writing
     * more or fewer bytes than {@link GgmlType#byteSize} says fails the file.
     */
    void writeTo(WritableByteChannel out) throws IOException;

    /** The bytes of a segment of any size and kind. Pages of a mapped file are let go when they are written. */
    static TensorData of(MemorySegment bytes) {
        return out -> {
            long chunk = 1 << 20;
            for (long at = 0; at < bytes.byteSize(); at += chunk) {
                MemorySegment part = bytes.asSlice(at, Math.min(chunk, bytes.byteSize() - at));
                out.write(ByteBuffer.wrap(part.toArray(ValueLayout.JAVA_BYTE)));
                if (part.isMapped()) {
                    part.unload();
                }
            }
        };
    }
}
