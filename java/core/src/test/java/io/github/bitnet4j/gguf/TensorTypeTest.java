package io.github.bitnet4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sizes of formats, formats that are not known, and tensors beyond 4 GiB. */
class TensorTypeTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "F32,   256,  4, 4096",
        "F16,   256,  4, 2048",
        "BF16,  256,  4, 2048",
        "Q8_0,  256,  4, 1088",
        "Q4_0,  256,  4, 576",
        "Q6_K,  256,  4, 840",
        "TQ1_0, 256,  4, 216", // 1.6875 bits a weight
        "TQ2_0, 256,  4, 264", // 2.0625 bits a weight
        "I2_S,  2560, 6912, 4423712", // M K / 4 + 32
        "B3_R80, 2560, 6912, 3563552", // 86.4 panels, rounded up, of 640 lines of 64 bytes, + 32
        "B3_R80, 6912, 2560, 3538976", // 32 panels of 1728 lines
        "TL1,   2560, 6912, 4423712",
        "D31_R16, 2560, 33, 61888", // 3 groups of 128 + 6 * 2560 and 16 * 320, and 64
        "TL2,   2560, 6912, 3760160", // (2304 * 6912 / 3 * 5 / 8 = 3317760) + (256 * 6912 / 4 = 442368) + 32
        "TL2,   3200, 3200, 2167520", // (2944 * 3200 / 3 = 3140266) * 5 / 8 = 1962666, + 204800, rounded up to 32, + 32
    })
    void sizesFollowTheFormat(GgmlType type, long cols, long rows, long bytes) {
        assertEquals(bytes, type.byteSize(cols, rows));
    }

    @Test
    void idsAreThoseOfGgml() {
        for (GgmlType type : GgmlType.values()) {
            GgmlType expected = type == GgmlType.MXFP4 ? GgmlType.TL2 : type;
            assertEquals(expected, GgmlType.of(type.id()));
        }
        assertEquals(GgmlType.UNKNOWN, GgmlType.of(4)); // Q4_2, retired
        assertEquals(GgmlType.UNKNOWN, GgmlType.of(Integer.MAX_VALUE));
    }

    @Test
    void unknownTypesAreListedWithoutData() throws IOException {
        Path path = HeaderBytes.start(3, 2, 0).tensor("future", 1000, 0, 7, 3).tensor("known", 0, 32, 2)
                .align().zeros(40).write(folder.resolve("future.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            GgufTensor future = file.requireTensor("future");
            assertEquals(GgmlType.UNKNOWN, future.type());
            assertEquals(1000, future.typeId());
            assertEquals(21, future.elements());
            assertEquals("future type 1000 [7, 3]", future.toString());
            assertFalse(future.hasData());
            assertThrows(GgufException.class, future::data);
            assertThrows(GgufException.class, future::byteSize);
            assertEquals(8, file.requireTensor("known").byteSize());
        }
    }

    /** 512 x 32 weights are 8704 bytes as MXFP4 and 3808 as TL2, which are padded to a multiple of 32. */
    @ParameterizedTest
    @CsvSource({"8704, MXFP4", "3808, TL2", "9999, TL2"})
    void tl2AndMxfp4AreToldApartByTheirSpace(int space, GgmlType type) throws IOException {
        assertEquals(8704, GgmlType.MXFP4.byteSize(512, 32));
        assertEquals(3808, GgmlType.TL2.byteSize(512, 32));
        int next = Math.ceilDiv(space, 32) * 32;
        Path path = HeaderBytes.start(3, 2, 0).tensor("w", 39, 0, 512, 32).tensor("next", 0, next, 2)
                .align().zeros(next + 8).write(folder.resolve("w.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(type, file.requireTensor("w").type());
            assertEquals(type.byteSize(512, 32), file.requireTensor("w").byteSize());
        }
    }

    /** A sparse file: 5 GiB in one tensor, and another after it. */
    @Test
    void tensorsBeyondFourGibibytes() throws IOException {
        long large = 5L << 30;
        HeaderBytes header = HeaderBytes.start(3, 2, 0).tensor("large", GgmlType.I8.id(), 0, 1 << 20, 5 << 10)
                .tensor("last", GgmlType.F32.id(), large, 2).align();
        Path path = header.write(folder.resolve("large.gguf"));
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {7}), header.size() + large - 1);
            channel.write(ByteBuffer.wrap(new byte[] {0, 0, 0, 0, 0, 0, (byte) 0x80, 0x3f}), header.size() + large);
        }
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(header.size() + large + 8, file.size());
            assertEquals(5 << 10, file.requireTensor("large").rows());
            assertEquals(7, file.requireTensor("large").data().get(ValueLayout.JAVA_BYTE, large - 1));
            GgufTensor last = file.requireTensor("last");
            assertTrue(last.offset() > large);
            assertEquals(1f, last.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4));
        }
    }
}
