package io.github.bitnet4j.gguf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A header written field by field, so that a test can put anything into any field. */
final class HeaderBytes {
    private final LittleEndianBuffer out = new LittleEndianBuffer();

    static HeaderBytes start(long version, long tensors, long pairs) {
        return new HeaderBytes().u32(GgufFile.MAGIC).u32(version).u64(tensors).u64(pairs);
    }

    HeaderBytes u8(int value) {
        out.put(value, 1);
        return this;
    }

    HeaderBytes u32(long value) {
        out.put(value, Integer.BYTES);
        return this;
    }

    HeaderBytes u64(long value) {
        out.put(value, Long.BYTES);
        return this;
    }

    HeaderBytes string(String value) {
        out.putString(value);
        return this;
    }

    HeaderBytes zeros(int count) {
        out.writeBytes(new byte[count]);
        return this;
    }

    HeaderBytes key(String key, GgufType type) {
        return string(key).u32(type.id());
    }

    HeaderBytes tensor(String name, int type, long offset, long... dims) {
        string(name).u32(dims.length);
        for (long dim : dims) {
            u64(dim);
        }
        return u32(type).u64(offset);
    }

    /** Zeros to the next multiple of 32, where tensor data begins. */
    HeaderBytes align() {
        return zeros(-out.size() & 31);
    }

    int size() {
        return out.size();
    }

    Path write(Path path) throws IOException {
        return Files.write(path, out.toByteArray());
    }
}
