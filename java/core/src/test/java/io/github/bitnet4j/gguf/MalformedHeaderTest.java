package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Headers that lie: each ends in a message that says where and why, and costs neither time nor memory. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MalformedHeaderTest {
    private static final int F32 = GgmlType.F32.id();
    private static final long ALLOCATION_LIMIT = 4 << 20;

    @TempDir
    Path folder;

    private static Arguments of(String message, HeaderBytes header) {
        return Arguments.of(message, header);
    }

    private static HeaderBytes pair(String key, GgufType type) {
        return HeaderBytes.start(3, 0, 1).key(key, type);
    }

    private static HeaderBytes tensor(UnaryOperator<HeaderBytes> rest) {
        return rest.apply(HeaderBytes.start(3, 1, 0)).align().zeros(64);
    }

    private static HeaderBytes array(GgufType elementType, long length) {
        return pair("a", GgufType.ARRAY).u32(elementType.id()).u64(length).zeros(100);
    }

    private static HeaderBytes nested(int depth) {
        HeaderBytes header = pair("a", GgufType.ARRAY);
        for (int i = 0; i < depth; i++) {
            header.u32(GgufType.ARRAY.id()).u64(1);
        }
        return header.u32(GgufType.U8.id()).u64(0);
    }

    static Stream<Arguments> headers() {
        return Stream.of(
                of("magic at offset 0: 4 bytes are needed and 0 are left", new HeaderBytes()),
                of("magic at offset 0: the file starts with 504b0304", new HeaderBytes().u32(0x04034b50).zeros(100)),
                of("version at offset 4: 4 bytes are needed and 0 are left", new HeaderBytes().u32(GgufFile.MAGIC)),
                of("version at offset 4: version 1 ", HeaderBytes.start(1, 0, 0)),
                of("version at offset 4: version 4 ", HeaderBytes.start(4, 0, 0)),
                of("version at offset 4: version 4294967295 ", HeaderBytes.start(-1, 0, 0)),
                of("version at offset 4: the file is big-endian", HeaderBytes.start(0x03000000, 0, 0)),

                of("tensor count at offset 8: 9223372036854775808 tensors", HeaderBytes.start(3, Long.MIN_VALUE, 0)),
                of("tensor count at offset 8: 18446744073709551615 tensors", HeaderBytes.start(3, -1, 0)),
                of("tensor count at offset 8: 1099511627776 tensors", HeaderBytes.start(3, 1L << 40, 0)),
                of("tensor count at offset 8: 4 tensors cannot fit", HeaderBytes.start(3, 4, 0).zeros(4 * 33 - 1)),
                of("tensor count at offset 8: 70000 tensors are more than", HeaderBytes.start(3, 70_000, 0).zeros(70_000 * 33)),
                of("key/value count at offset 16: 9223372036854775808 pairs", HeaderBytes.start(3, 0, Long.MIN_VALUE)),
                of("key/value count at offset 16: 2305843009213693952 pairs", HeaderBytes.start(3, 0, 1L << 61)),
                of("key/value count at offset 16: 70000 pairs are more than", HeaderBytes.start(3, 0, 70_000).zeros(70_000 * 14)),

                of("key 0 at offset 24: a string of 18446744073709551615 bytes", HeaderBytes.start(3, 0, 1).u64(-1).zeros(99)),
                of("key 0 at offset 24: a string of 9223372036854775807 bytes",
                        HeaderBytes.start(3, 0, 1).u64(Long.MAX_VALUE).zeros(99)),
                of("key 0 at offset 24: a string of 70000 bytes is longer", HeaderBytes.start(3, 0, 1).u64(70_000).zeros(80_000)),
                of("key 0 at offset 24: the name is empty", HeaderBytes.start(3, 0, 1).string("").zeros(20)),
                of("key 1 at offset 38: 'k' is already there",
                        HeaderBytes.start(3, 0, 2).key("k", GgufType.U8).u8(1).key("k", GgufType.U8).u8(1)),
                of("value of 'k' at offset 33: value type 13 ", HeaderBytes.start(3, 0, 1).string("k").u32(13).zeros(9)),
                of("value of 'k' at offset 33: value type 4294967295 ", HeaderBytes.start(3, 0, 1).string("k").u32(-1).zeros(9)),
                of("value of 'k' at offset 37: 8 bytes are needed and 4 are left", pair("k", GgufType.U64).u32(1)),
                of("value of 'k' at offset 37: a bool is 0 or 1, not 2", pair("k", GgufType.BOOL).u8(2)),
                of("value of 'k' at offset 37: a string of 100 bytes cannot fit", pair("k", GgufType.STRING).u64(100).zeros(99)),
                of("value of 'k???[31m' at offset 44: a bool", pair("k\n\0\u001b[31m", GgufType.BOOL).u8(2)),

                of("array 'a' at offset 37: value type 99", pair("a", GgufType.ARRAY).u32(99).u64(0)),
                of("array 'a' at offset 41: 1099511627776 elements of type STRING", array(GgufType.STRING, 1L << 40)),
                of("array 'a' at offset 41: 2305843009213693953 elements of type U64", array(GgufType.U64, (1L << 61) + 1)),
                of("array 'a' at offset 41: 18446744073709551615 elements of type U8", array(GgufType.U8, -1)),
                of("array 'a' at offset 41: 13 elements of type F64 cannot fit in the 100", array(GgufType.F64, 13)),
                of("array 'a' at offset 41: 9 elements of type ARRAY cannot fit", array(GgufType.ARRAY, 9)),
                of("array 'a' at offset 49: a string of 9223372036854775800 bytes",
                        pair("a", GgufType.ARRAY).u32(8).u64(2).u64(Long.MAX_VALUE - 7).zeros(20)),
                of("array 'a' at offset 49: a string of 5 bytes cannot fit in the 4 bytes",
                        pair("a", GgufType.ARRAY).u32(8).u64(1).u64(5).zeros(4)),
                of("array 'a' at offset 58: 8 bytes are needed and 7 are left",
                        pair("a", GgufType.ARRAY).u32(8).u64(2).string("x").zeros(7)),
                of("array 'a' at offset 51: a bool is 0 or 1, not 7",
                        pair("a", GgufType.ARRAY).u32(7).u64(3).zeros(2).u8(7)),
                of("array 'a' at offset 133: arrays are nested more than 8 deep", nested(8)),
                of("array 'a' at offset 133: arrays are nested more than 8 deep", nested(100_000)),

                of("value of 'general.alignment' at offset 53: 0 is not a power", pair(GgufFile.ALIGNMENT_KEY, GgufType.U32).u32(0)),
                of("value of 'general.alignment' at offset 53: 3 is not a power", pair(GgufFile.ALIGNMENT_KEY, GgufType.U32).u32(3)),
                of("value of 'general.alignment' at offset 53: -32 is not", pair(GgufFile.ALIGNMENT_KEY, GgufType.I32).u32(-32)),
                of("value of 'general.alignment' at offset 53: 2147483648 is not",
                        pair(GgufFile.ALIGNMENT_KEY, GgufType.U32).u32(1L << 31)),
                of("value of 'general.alignment' at offset 53: 18446744073709551615 is more",
                        pair(GgufFile.ALIGNMENT_KEY, GgufType.U64).u64(-1)),
                of("value of 'general.alignment' at offset 53: it has type STRING, where an integer is expected",
                        pair(GgufFile.ALIGNMENT_KEY, GgufType.STRING).string("32")),

                of("name of tensor 0 at offset 24: a string", HeaderBytes.start(3, 1, 0).u64(1L << 62).zeros(200)),
                of("n_dims of tensor 't' at offset 33: 0 dimensions", tensor(h -> h.tensor("t", F32, 0).zeros(99))),
                of("n_dims of tensor 't' at offset 33: 5 dimensions", tensor(h -> h.tensor("t", F32, 0, 1, 1, 1, 1, 1))),
                of("n_dims of tensor 't' at offset 33: 4294967295 dim", tensor(h -> h.string("t").u32(-1).zeros(99))),
                of("dims of tensor 't' at offset 37: a size of 0 ", tensor(h -> h.tensor("t", F32, 0, 8, 0))),
                of("dims of tensor 't' at offset 37: a size of 18446744073709551615", tensor(h -> h.tensor("t", F32, 0, -1))),
                of("dims of tensor 't' at offset 37: the number of elements overflows",
                        tensor(h -> h.tensor("t", F32, 0, 1L << 32, 1L << 31))),
                of("dims of tensor 't' at offset 37: the number of elements overflows",
                        tensor(h -> h.tensor("t", F32, 0, 1L << 32, 1L << 32, 1L << 32, 1L << 32))),
                of("type of tensor 't' at offset 45: it cannot be F32: its size in bytes overflows",
                        tensor(h -> h.tensor("t", F32, 0, 1L << 62))),
                of("type of tensor 't' at offset 53: it cannot be TL2: its size in bytes overflows",
                        tensor(h -> h.tensor("t", GgmlType.TL2.id(), 0, 1L << 32, (1L << 31) - 1))),
                of("type of tensor 't' at offset 45: it cannot be Q4_K: rows of 128 elements are not whole blocks of 256",
                        tensor(h -> h.tensor("t", GgmlType.Q4_K.id(), 0, 128))),
                of("type of tensor 't' at offset 45: it cannot be TL2: rows of 255 elements",
                        tensor(h -> h.tensor("t", GgmlType.TL2.id(), 0, 255))),
                of("offset of tensor 't' at offset 49: its 68 bytes start at 0 of 64", tensor(h -> h.tensor("t", F32, 0, 17))),
                of("offset of tensor 't' at offset 49: its 40 bytes start at 32 of 64", tensor(h -> h.tensor("t", F32, 32, 10))),
                of("offset of tensor 't' at offset 49: 33 is not a multiple", tensor(h -> h.tensor("t", F32, 33, 1))),
                of("offset of tensor 't' at offset 49: 18446744073709551584 is not", tensor(h -> h.tensor("t", F32, -32, 1))),
                of("offset of tensor 't' at offset 49: its data starts at 9223372036854775776",
                        tensor(h -> h.tensor("t", F32, Long.MAX_VALUE - 31, 1))),
                of("offset of tensor 't' at offset 49: its data starts at 128 of 64", tensor(h -> h.tensor("t", 99, 128, 1))),
                of("offset of tensor 't' at offset 49: its data starts at 0 of 0",
                        HeaderBytes.start(3, 1, 0).tensor("t", F32, 0, 1)),
                of("name of tensor 1 at offset 57: 't' is already there",
                        HeaderBytes.start(3, 2, 0).tensor("t", F32, 0, 1).tensor("t", F32, 0, 1).align().zeros(64)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void isRefusedWithAReason(String message, HeaderBytes header) throws IOException {
        Path path = header.write(folder.resolve("bad.gguf"));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        GgufException e = assertThrows(GgufException.class, () -> GgufFile.open(path).close());
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(e.getMessage().startsWith(message), e.getMessage());
        assertEquals(e.field() + " at offset " + e.offset() + ": " + e.problem(), e.getMessage());
        assertTrue(allocated < ALLOCATION_LIMIT, "allocated " + allocated + " bytes");
    }

    /** Keys of 64 kB are legal one by one; 300 of them are more than a header may put on the heap. */
    @Test
    void keysTogetherAreLimited() throws IOException {
        HeaderBytes header = HeaderBytes.start(3, 0, 300);
        for (int i = 0; i < 300; i++) {
            header.key(i + "x".repeat(65_000), GgufType.U8).u8(0);
        }
        Path path = header.write(folder.resolve("keys.gguf"));
        GgufException e = assertThrows(GgufException.class, () -> GgufFile.open(path).close());
        assertTrue(e.problem().startsWith("keys and tensor names exceed"), e.getMessage());
    }

    /** Five arrays of 16 million bools: each is legal, together they are more than should be looked at one by one. */
    @Test
    void elementsTogetherAreLimited() throws IOException {
        int length = 1 << 24;
        HeaderBytes header = HeaderBytes.start(3, 0, 5);
        for (int i = 0; i < 5; i++) {
            header.key("k" + i, GgufType.ARRAY).u32(GgufType.BOOL.id()).u64(length).zeros(length);
        }
        Path path = header.write(folder.resolve("elements.gguf"));
        GgufException e = assertThrows(GgufException.class, () -> GgufFile.open(path).close());
        assertEquals("array 'k4'", e.field());
    }

    @Test
    void deepestAllowedNestingIsRead() throws IOException {
        Path path = nested(7).write(folder.resolve("nested.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            GgufArray array = file.metadata().array("a").orElseThrow();
            for (int depth = 1; depth < 8; depth++) {
                array = (GgufArray) array.get(0);
            }
            assertEquals("U8[0]", array.toString());
        }
    }

    @Test
    void smallestFileIsAHeader() throws IOException {
        Path path = HeaderBytes.start(2, 0, 0).write(folder.resolve("empty.gguf"));
        assertEquals(24, Files.size(path));
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(2, file.version());
            assertEquals(0, file.tensors().size());
            assertEquals(0, file.metadata().asMap().size());
        }
    }
}
