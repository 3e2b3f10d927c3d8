package io.github.bitnet4j.gguf;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The key/value pairs of a file, in its order. A getter is empty if the key is absent; if it is there with another type,
 * the getter throws a {@link GgufException} that names the key, its type and the one that was expected.
 *
 * <p>Immutable and usable from any thread, as long as the {@link GgufFile} is open.
 */
public final class GgufMetadata {
    /** Most pairs a header may hold; real files have about fifty. */
    private static final long MAX_PAIRS = 65536;
    /** The smallest pair: a key of one byte, a type and a one-byte value. */
    private static final long MIN_PAIR_BYTES = Long.BYTES + 1 + Integer.BYTES + 1;

    private record Entry(GgufValue value, long offset) {}

    private final Map<String, Entry> entries;
    private final Map<String, GgufValue> values;

    private GgufMetadata(Map<String, Entry> entries) {
        this.entries = entries;
        Map<String, GgufValue> view = new LinkedHashMap<>();
        entries.forEach((key, entry) -> view.put(key, entry.value()));
        this.values = Collections.unmodifiableMap(view);
    }

    static GgufMetadata read(Cursor in, long count, long countOffset) {
        if (count < 0 || count > in.remaining() / MIN_PAIR_BYTES) {
            throw new GgufException("key/value count", countOffset, Long.toUnsignedString(count)
                    + " pairs cannot fit in the " + in.remaining() + " bytes that are left; the file is truncated or not a GGUF");
        }
        if (count > MAX_PAIRS) {
            throw new GgufException("key/value count", countOffset, count + " pairs are more than the limit of " + MAX_PAIRS);
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            long keyOffset = in.position();
            String key = in.name("key " + i);
            String field = "value of " + GgufException.quote(key);
            long typeOffset = in.position();
            GgufType type = GgufType.of(in.u32(field), field, typeOffset);
            long offset = in.position();
            if (entries.put(key, new Entry(GgufArray.value(in, key, type, 0), offset)) != null) {
                throw new GgufException("key " + i, keyOffset, GgufException.quote(key) + " is already there");
            }
        }
        return new GgufMetadata(entries);
    }

    /** All pairs in the order of the file; unmodifiable. */
    public Map<String, GgufValue> asMap() {
        return values;
    }

    /** The value of a key, whatever its type. */
    public Optional<GgufValue> get(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /** Where the value of a key starts in the file, for messages; -1 if the key is absent. */
    public long offset(String key) {
        Entry entry = entries.get(key);
        return entry == null ? -1 : entry.offset();
    }

    /** The string of a key. */
    public Optional<String> string(String key) {
        return get(key).map(value -> value instanceof GgufValue.Text text ? text.value() : wrong(key, "a string"));
    }

    /** The whole number of a key, of any integer width. One above 2<sup>63</sup> - 1 is an error. */
    public OptionalLong integer(String key) {
        Optional<GgufValue> value = get(key);
        if (value.isEmpty()) {
            return OptionalLong.empty();
        }
        if (!(value.get() instanceof GgufValue.Int integer)) {
            return wrong(key, "an integer");
        }
        if (integer.type() == GgufType.U64 && integer.value() < 0) {
            throw error(key, integer + " is more than a 64-bit integer with sign can hold");
        }
        return OptionalLong.of(integer.value());
    }

    /** The number of a key: F32, F64 or any integer. */
    public OptionalDouble number(String key) {
        Optional<GgufValue> value = get(key);
        if (value.isEmpty()) {
            return OptionalDouble.empty();
        }
        return switch (value.get()) {
            case GgufValue.Real real -> OptionalDouble.of(real.value());
            case GgufValue.Int _ -> OptionalDouble.of(integer(key).getAsLong());
            default -> wrong(key, "a number");
        };
    }

    /** The truth value of a key. */
    public Optional<Boolean> bool(String key) {
        return get(key).map(value -> value instanceof GgufValue.Bool bool ? bool.value() : wrong(key, "a bool"));
    }

    /** The array of a key. */
    public Optional<GgufArray> array(String key) {
        return get(key).map(value -> value instanceof GgufArray array ? array : wrong(key, "an array"));
    }

    private <T> T wrong(String key, String expected) {
        GgufValue value = values.get(key);
        String type = value instanceof GgufArray array ? "array of " + array.elementType() : value.type().toString();
        throw error(key, "it has type " + type + ", where " + expected + " is expected");
    }

    private GgufException error(String key, String problem) {
        return new GgufException("value of " + GgufException.quote(key), offset(key), problem);
    }
}
