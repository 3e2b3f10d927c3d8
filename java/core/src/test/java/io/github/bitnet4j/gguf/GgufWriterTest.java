package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written is what is read, and a file is there whole or not at all. */
class GgufWriterTest {
    private static final GgufWriter.Progress SILENT = (written, total) -> {};

    @TempDir
    Path folder;

    private static final Map<String, GgufValue> SCALARS = new LinkedHashMap<>();

    static {
        SCALARS.put("u8", new GgufValue.Int(GgufType.U8, 255));
        SCALARS.put("i8", new GgufValue.Int(GgufType.I8, -128));
        SCALARS.put("u16", new GgufValue.Int(GgufType.U16, 65535));
        SCALARS.put("i16", new GgufValue.Int(GgufType.I16, -32768));
        SCALARS.put("u32", new GgufValue.Int(GgufType.U32, 0xFFFF_FFFFL));
        SCALARS.put("i32", new GgufValue.Int(GgufType.I32, Integer.MIN_VALUE));
        SCALARS.put("u64", new GgufValue.Int(GgufType.U64, -1));
        SCALARS.put("i64", new GgufValue.Int(GgufType.I64, Long.MIN_VALUE));
        SCALARS.put("f32", new GgufValue.Real(GgufType.F32, 1e-5f));
        SCALARS.put("f64", new GgufValue.Real(GgufType.F64, Math.PI));
        SCALARS.put("true", new GgufValue.Bool(true));
        SCALARS.put("false", new GgufValue.Bool(false));
    }

    @ParameterizedTest
    @CsvSource({"2, 32", "3, 32", "3, 1", "3, 4096"})
    void everyScalarTypeRoundTrips(int version, int alignment) throws IOException {
        GgufWriter writer = new GgufWriter(version, alignment);
        SCALARS.forEach(writer::value);
        writer.string("empty", "").string("text", "h\u00e9llo \ud83d\ude00\n");
        Path path = folder.resolve("scalars.gguf");
        writer.write(path, SILENT);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(version, file.version());
            assertEquals(alignment, file.alignment());
            Map<String, GgufValue> read = new LinkedHashMap<>(file.metadata().asMap());
            assertEquals(alignment == 32, read.remove("general.alignment") == null);
            assertEquals("", ((GgufValue.Text) read.remove("empty")).value());
            assertEquals("h\u00e9llo \ud83d\ude00\n", ((GgufValue.Text) read.remove("text")).value());
            assertEquals(new ArrayList<>(SCALARS.entrySet()), new ArrayList<>(read.entrySet()));
            assertThrows(GgufException.class, () -> file.metadata().integer("u64"));
            assertEquals(Long.MIN_VALUE, file.metadata().integer("i64").orElseThrow());
            assertEquals("18446744073709551615", file.metadata().get("u64").orElseThrow().toString());
        }
    }

    @Test
    void arraysRoundTrip() throws IOException {
        List<String> strings = IntStream.range(0, 1000).mapToObj(i -> "x".repeat(i % 7) + i).toList();
        int[] ints = IntStream.range(-500, 500).toArray();
        float[] floats = {0, -0f, 1e-30f, Float.POSITIVE_INFINITY};
        Path path = folder.resolve("arrays.gguf");
        new GgufWriter().strings("strings", strings).ints("ints", ints).floats("floats", floats).ints("none")
                .write(path, SILENT);
        try (GgufFile file = GgufFile.open(path)) {
            List<String> read = file.metadata().array("strings").orElseThrow().strings();
            assertEquals(strings, read);
            assertEquals(strings.get(64), read.get(64));
            assertEquals(strings.get(127), read.get(127));
            assertArrayEquals(ints, file.metadata().array("ints").orElseThrow().ints());
            assertArrayEquals(floats, file.metadata().array("floats").orElseThrow().floats());
            assertEquals(0, file.metadata().array("none").orElseThrow().length());
        }
    }

    /** A file with arrays of every element type, also nested, made by hand; copied by reader and writer; equal. */
    @Test
    void arraysOfEveryTypeSurviveCopying() throws IOException {
        HeaderBytes header = HeaderBytes.start(3, 0, 13);
        for (GgufType type : GgufType.values()) {
            header.key("a." + type, GgufType.ARRAY).u32(type.id()).u64(3);
            for (int i = 0; i < 3; i++) {
                switch (type) {
                    case STRING -> header.string("s" + i);
                    case ARRAY -> header.u32(GgufType.STRING.id()).u64(2).string("left").string("right" + i);
                    case BOOL -> header.u8(i & 1);
                    default -> header.zeros(type.bytes() - 1).u8(i);
                }
            }
        }
        Path original = header.align().write(folder.resolve("original.gguf"));
        Path copy = folder.resolve("copy.gguf");
        try (GgufFile file = GgufFile.open(original)) {
            GgufWriter writer = new GgufWriter();
            file.metadata().asMap().forEach(writer::value);
            writer.write(copy, SILENT);
            try (GgufFile read = GgufFile.open(copy)) {
                assertEquals(file.metadata().asMap(), read.metadata().asMap());
                GgufArray nested = read.metadata().array("a.ARRAY").orElseThrow();
                assertEquals(List.of("left", "right2"), ((GgufArray) nested.get(2)).strings());
                assertArrayEquals(new int[] {0, 256, 512}, read.metadata().array("a.U16").orElseThrow().ints());
                assertEquals(Double.longBitsToDouble(2L << 56),
                        ((GgufValue.Real) read.metadata().array("a.F64").orElseThrow().get(2)).value());
                assertThrows(GgufException.class, () -> read.metadata().array("a.I64").orElseThrow().ints());
            }
        }
        assertArrayEquals(Files.readAllBytes(original), Files.readAllBytes(copy));
    }

    @Test
    void copyOfTheBundledFileHasTheSameBytes() throws IOException {
        Path copy = folder.resolve("copy.gguf");
        try (GgufFile file = GgufFile.open(BundledFileTest.SHAKESPEARE)) {
            GgufWriter writer = new GgufWriter();
            file.metadata().asMap().forEach(writer::value);
            file.tensors().forEach(t -> writer.tensor(t.name(), t.type(), t.dims(), TensorData.of(t.data())));
            writer.write(copy, SILENT);
        }
        assertEquals(-1, Files.mismatch(BundledFileTest.SHAKESPEARE, copy));
    }

    @Test
    void tensorsAreAlignedAndPadded() throws IOException {
        Path path = folder.resolve("tensors.gguf");
        List<Long> progress = new ArrayList<>();
        new GgufWriter(3, 64)
                .tensor("a", GgmlType.I8, new long[] {5}, TensorData.of(MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5})))
                .tensor("b", GgmlType.F32, new long[] {1, 2, 1, 1}, TensorData.of(MemorySegment.ofArray(new float[] {1, 2})))
                .write(path, (written, total) -> {
                    assertEquals(0, total % 64);
                    progress.add(written);
                });
        try (GgufFile file = GgufFile.open(path)) {
            GgufTensor a = file.requireTensor("a");
            GgufTensor b = file.requireTensor("b");
            assertEquals(64, b.offset() - a.offset());
            assertEquals(5, a.data().get(ValueLayout.JAVA_BYTE, 4));
            assertEquals(2f, b.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4));
            assertEquals(4, b.rank());
            assertEquals(1, b.cols());
            assertEquals(2, b.rows());
            assertEquals(b.offset() + 64, file.size());
            assertEquals(file.size(), progress.getLast());
            assertEquals(progress.stream().sorted().toList(), progress);
        }
    }

    @ParameterizedTest
    @CsvSource({"15", "17", "0"})
    void dataOfTheWrongSizeLeavesNoFileBehind(int size) throws IOException {
        Path path = folder.resolve("short.gguf");
        Files.writeString(path, "what was there before");
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.I8, new long[] {16},
                out -> out.write(ByteBuffer.allocate(size)));
        assertThrows(IllegalStateException.class, () -> writer.write(path, SILENT));
        assertEquals("what was there before", Files.readString(path));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(path), files.toList());
        }
    }

    @Test
    void failingDataLeavesNoFileBehind() throws IOException {
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.I8, new long[] {16}, out -> {
            throw new IOException("source is gone");
        });
        assertThrows(IOException.class, () -> writer.write(folder.resolve("failed.gguf"), SILENT));
        GgufWriter interrupted = new GgufWriter().tensor("t", GgmlType.I8, new long[] {16}, out -> {
            Thread.currentThread().interrupt();
            out.write(ByteBuffer.allocate(16));
        });
        assertThrows(ClosedByInterruptException.class, () -> interrupted.write(folder.resolve("interrupted.gguf"), SILENT));
        assertTrue(Thread.interrupted());
        assertThrows(IOException.class, () -> writer.write(folder, SILENT));
        assertThrows(IOException.class, () -> writer.write(folder.resolve("no/such/folder.gguf"), SILENT));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(0, files.count());
        }
    }

    @Test
    void whatNoFileCanHoldIsRefusedWhenItIsAdded() {
        TensorData none = out -> {};
        GgufWriter writer = new GgufWriter().u32("k", 1).tensor("t", GgmlType.F32, new long[] {1}, none);
        assertThrows(IllegalArgumentException.class, () -> writer.u32("k", 2));
        assertThrows(IllegalArgumentException.class, () -> writer.u32("", 2));
        assertThrows(IllegalArgumentException.class, () -> writer.u32("x".repeat(65536), 2));
        assertThrows(IllegalArgumentException.class, () -> writer.u32("large", 1L << 32));
        assertThrows(IllegalArgumentException.class, () -> writer.u32("negative", -1));
        assertThrows(IllegalArgumentException.class, () -> writer.tensor("t", GgmlType.F32, new long[] {1}, none));
        assertThrows(IllegalArgumentException.class, () -> writer.tensor("e", GgmlType.F32, new long[] {}, none));
        assertThrows(IllegalArgumentException.class, () -> writer.tensor("q", GgmlType.Q8_0, new long[] {33}, none));
        assertThrows(IllegalArgumentException.class, () -> writer.tensor("u", GgmlType.UNKNOWN, new long[] {1}, none));
        assertThrows(IllegalArgumentException.class, () -> new GgufWriter(1, 32));
        assertThrows(IllegalArgumentException.class, () -> new GgufWriter(3, 48));
    }
}
