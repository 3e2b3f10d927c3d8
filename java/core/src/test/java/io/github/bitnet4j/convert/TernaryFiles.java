package io.github.bitnet4j.convert;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.GgufEdit;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.BiFunction;

/** Ternary tensors as other programs write them, from those of an I2_S file and the descriptions of the formats alone. */
final class TernaryFiles {
    private TernaryFiles() {}

    /** Codes of an I2_S tensor in the published order, row after row, one a byte. */
    static byte[] codes(GgufTensor tensor) {
        byte[] codes = new byte[(int) tensor.elements()];
        for (int e = 0; e < codes.length; e++) {
            codes[e] = (byte) (tensor.data().get(ValueLayout.JAVA_BYTE, e / 128 * 32 + e % 32) >> 6 - 2 * (e % 128 / 32) & 3);
        }
        return codes;
    }

    static float scale(GgufTensor tensor) {
        return tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, tensor.byteSize() - GgmlType.SCALE_BYTES);
    }

    /** A copy of an I2_S file whose ternary tensors have other bytes and another type. */
    static Path rewritten(Path plain, Path target, GgmlType type, BiFunction<GgufTensor, byte[], byte[]> bytes) throws IOException {
        GgufEdit edit = new GgufEdit();
        try (GgufFile file = GgufFile.open(plain)) {
            for (GgufTensor tensor : file.tensors()) {
                if (tensor.type() == GgmlType.I2_S) {
                    edit.tensor(tensor.name(), type, tensor.dims(), bytes.apply(tensor, codes(tensor)));
                }
            }
            return edit.write(plain, target);
        }
    }

    /** I2_S in blocks of 64: byte {@code e / 64 * 16 + e % 16}, shift {@code 6 - 2 (e % 64 / 16)}. */
    static byte[] blocksOf64(GgufTensor tensor, byte[] codes) {
        byte[] data = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        Arrays.fill(data, 0, codes.length / 4, (byte) 0);
        for (int e = 0; e < codes.length; e++) {
            data[e / 64 * 16 + e % 16] |= (byte) (codes[e] << 6 - 2 * (e % 64 / 16));
        }
        return data;
    }

    /** I2_S with four rows in a byte: byte {@code [row / 4][column]}, shift {@code 6 - 2 (row % 4)}. */
    static byte[] fourRows(GgufTensor tensor, byte[] codes) {
        byte[] data = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        Arrays.fill(data, 0, codes.length / 4, (byte) 0);
        int cols = (int) tensor.cols();
        for (int e = 0; e < codes.length; e++) {
            data[e / cols / 4 * cols + e % cols] |= (byte) (codes[e] << 6 - 2 * (e / cols % 4));
        }
        return data;
    }

    /** TQ2_0 as llama.cpp quantises it: the scale of a block is its largest size, 0 for a block of zeros. */
    static byte[] tq2(GgufTensor tensor, byte[] codes) {
        byte[] data = new byte[codes.length / 256 * 66];
        for (int block = 0; block < codes.length / 256; block++) {
            boolean zeros = true;
            for (int e = 0; e < 256; e++) {
                int code = codes[block * 256 + e];
                zeros &= code == 1;
                data[block * 66 + e / 128 * 32 + e % 32] |= (byte) (code << 2 * (e % 128 / 32));
            }
            short half = zeros ? 0 : Float.floatToFloat16(scale(tensor));
            data[block * 66 + 64] = (byte) half;
            data[block * 66 + 65] = (byte) (half >> 8);
        }
        return data;
    }
}
