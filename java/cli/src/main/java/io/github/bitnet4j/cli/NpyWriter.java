package io.github.bitnet4j.cli;

import io.github.bitnet4j.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Writes a matrix row by row in NumPy's format, version 1.0: a magic number, the length of a header that is a
 * Python dictionary, and little-endian rows. Source: {@code numpy.lib.format}. The file appears when it has all its rows.
 */
final class NpyWriter implements AutoCloseable {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    /** Data starts at a multiple of this. */
    private static final int ALIGNMENT = 64;

    /** Of elements. */
    enum Type {
        FLOAT32("<f4", Float.BYTES), UINT8("|u1", 1);

        private final String description;
        private final int bytes;

        Type(String description, int bytes) {
            this.description = description;
            this.bytes = bytes;
        }
    }

    private final WholeFile file;
    private final ByteBuffer row;
    private long missing;

    /** Replaces {@code file} by a matrix of {@code rows} x {@code cols}, whose rows follow. */
    NpyWriter(Path file, Type type, long rows, int cols) throws IOException {
        this.file = new WholeFile(file);
        missing = rows;
        row = ByteBuffer.allocateDirect(cols * type.bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.file.write(ByteBuffer.wrap(header(type, rows, cols)));
    }

    static byte[] header(Type type, long rows, int cols) {
        String dictionary = "{'descr': '" + type.description + "', 'fortran_order': False, 'shape': (" + rows + ", " + cols + "), }";
        int unpadded = MAGIC.length + Short.BYTES + dictionary.length() + 1;
        int total = Math.ceilDiv(unpadded, ALIGNMENT) * ALIGNMENT;
        String padded = dictionary + " ".repeat(total - unpadded) + "\n";
        return ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN).put(MAGIC).putShort((short) padded.length())
                .put(padded.getBytes(StandardCharsets.US_ASCII)).array();
    }

    void writeRow(float[] values) throws IOException {
        row.clear().asFloatBuffer().put(values);
        writeRow();
    }

    void writeRow(byte[] values) throws IOException {
        row.clear().put(values).flip();
        writeRow();
    }

    private void writeRow() throws IOException {
        file.write(row);
        if (--missing == 0) {
            file.complete();
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
