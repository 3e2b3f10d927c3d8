package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** A copy of a model file with some keys or tensors changed or left out. */
public final class GgufEdit {
    private final Map<String, Consumer<GgufWriter>> keys = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Set<String> dropped = new HashSet<>();

    private record Tensor(GgmlType type, long[] dims, byte[] data) {}

    /** Leaves out the key or tensor with this name. */
    public GgufEdit drop(String name) {
        dropped.add(name);
        return this;
    }

    public GgufEdit u32(String key, long value) {
        keys.put(key, writer -> writer.u32(key, value));
        return this;
    }

    public GgufEdit f32(String key, float value) {
        keys.put(key, writer -> writer.f32(key, value));
        return this;
    }

    public GgufEdit bool(String key, boolean value) {
        keys.put(key, writer -> writer.bool(key, value));
        return this;
    }

    public GgufEdit strings(String key, List<String> values) {
        keys.put(key, writer -> writer.strings(key, values));
        return this;
    }

    public GgufEdit ints(String key, int... values) {
        keys.put(key, writer -> writer.ints(key, values));
        return this;
    }

    public GgufEdit bools(String key, List<Boolean> values) {
        keys.put(key, writer -> writer.bools(key, values));
        return this;
    }

    public GgufEdit floats(String key, float... values) {
        keys.put(key, writer -> writer.floats(key, values));
        return this;
    }

    public GgufEdit string(String key, String value) {
        keys.put(key, writer -> writer.string(key, value));
        return this;
    }

    /** Puts a tensor, by this name, in the place of one that the file has, or behind them all. */
    public GgufEdit tensor(String name, GgmlType type, long[] dims, byte[] data) {
        tensors.put(name, new Tensor(type, dims, data));
        return this;
    }

    /** Writes {@code source} with the changes to {@code target}, and gives {@code target}. */
    public Path write(Path source, Path target) throws IOException {
        try (GgufFile file = GgufFile.open(source)) {
            GgufWriter writer = new GgufWriter();
            Map<String, Consumer<GgufWriter>> newKeys = new LinkedHashMap<>(keys);
            for (Map.Entry<String, GgufValue> pair : file.metadata().asMap().entrySet()) {
                String key = pair.getKey();
                if (newKeys.containsKey(key)) {
                    newKeys.remove(key).accept(writer);
                } else if (!dropped.contains(key)) {
                    writer.value(key, pair.getValue());
                }
            }
            newKeys.values().forEach(key -> key.accept(writer));
            Map<String, Tensor> newTensors = new LinkedHashMap<>(tensors);
            for (GgufTensor tensor : file.tensors()) {
                Tensor replacement = newTensors.remove(tensor.name());
                if (replacement != null) {
                    add(writer, tensor.name(), replacement);
                } else if (!dropped.contains(tensor.name())) {
                    writer.tensor(tensor.name(), tensor.type(), tensor.dims(), TensorData.of(tensor.data()));
                }
            }
            newTensors.forEach((name, tensor) -> add(writer, name, tensor));
            writer.write(target, (written, total) -> {});
            return target;
        }
    }

    private static void add(GgufWriter writer, String name, Tensor tensor) {
        writer.tensor(name, tensor.type(), tensor.dims(), TensorData.of(MemorySegment.ofArray(tensor.data())));
    }

    /** The bytes of an F32 tensor. */
    public static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }

    /** The bytes of a Q8_0 tensor: blocks of 32 with an f16 scale of absmax / 127. */
    public static byte[] q8(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length / 32 * 34).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < values.length; block += 32) {
            float absmax = 0;
            for (int i = 0; i < 32; i++) {
                absmax = Math.max(absmax, Math.abs(values[block + i]));
            }
            short scale = Float.floatToFloat16(absmax / 127);
            bytes.putShort(scale);
            for (int i = 0; i < 32; i++) {
                bytes.put((byte) Math.clamp(Math.round(values[block + i] / Float.float16ToFloat(scale)), -127, 127));
            }
        }
        return bytes.array();
    }

    /** The bytes of a tensor of a file. */
    public static byte[] bytes(Path source, String name) throws IOException {
        try (GgufFile file = GgufFile.open(source)) {
            return file.requireTensor(name).data().toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** The values of an F16 tensor of a file. */
    public static float[] halves(Path source, String name) throws IOException {
        ByteBuffer halves = ByteBuffer.wrap(bytes(source, name)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[halves.remaining() / Short.BYTES];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(halves.getShort());
        }
        return values;
    }
}
