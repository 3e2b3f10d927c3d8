package io.github.bitnet4j.huggingface;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a {@code tokenizer.model}: the fields of SentencePiece's {@code ModelProto} that matter here, in protobuf's wire format. */
final class ModelProto {
    private final ByteArrayOutputStream pieces = new ByteArrayOutputStream();
    /** Varints by field number: of a BPE model with bytes to fall back on, and of text that is taken as it is. */
    final Map<Integer, Long> trainer = new LinkedHashMap<>(Map.of(3, 2L, 35, 1L, 43, -1L));
    final Map<Integer, Long> normalizer = new LinkedHashMap<>(Map.of(4, 0L));
    byte[] charsmap = {};
    byte[] denormalizer = {};

    /** {@code <unk> <s> </s>}, 256 bytes and a space; further pieces have ids from 260 on. */
    ModelProto() {
        piece("<unk>", 0, 2).piece("<s>", 0, 3).piece("</s>", 0, 3);
        for (int b = 0; b < 256; b++) {
            piece("<0x%02X>".formatted(b), 0, 6);
        }
        piece("\u2581", -100, 1);
    }

    /** @param type 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte */
    ModelProto piece(String text, float score, int type) {
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        bytes(piece, 1, text.getBytes(StandardCharsets.UTF_8));
        varint(piece, 2 << 3 | 5);
        piece.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(score).array());
        varint(piece, 3 << 3);
        varint(piece, type);
        bytes(pieces, 1, piece.toByteArray());
        return this;
    }

    byte[] bytes() {
        ByteArrayOutputStream training = varints(trainer);
        bytes(training, 54, new byte[3]); // a field that is not known here
        ByteArrayOutputStream normal = varints(normalizer);
        bytes(normal, 1, "rule".getBytes(StandardCharsets.UTF_8));
        bytes(normal, 2, charsmap);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(pieces.toByteArray());
        bytes(out, 2, training.toByteArray());
        bytes(out, 3, normal.toByteArray());
        ByteArrayOutputStream denormal = new ByteArrayOutputStream();
        bytes(denormal, 2, denormalizer);
        bytes(out, 5, denormal.toByteArray());
        return out.toByteArray();
    }

    private static ByteArrayOutputStream varints(Map<Integer, Long> values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        values.forEach((field, value) -> {
            varint(out, field << 3);
            varint(out, value);
        });
        return out;
    }

    private static void bytes(ByteArrayOutputStream out, int field, byte[] value) {
        varint(out, field << 3 | 2);
        varint(out, value.length);
        out.writeBytes(value);
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        for (; (value & ~0x7FL) != 0; value >>>= 7) {
            out.write((int) value & 0x7F | 0x80);
        }
        out.write((int) value);
    }
}
