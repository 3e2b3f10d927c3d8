package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.BitNetException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Reads the fields of a protobuf message one after the other; whoever knows the message asks for a field's value by its kind.
 *
 * <pre>
 *   field  = tag, value        tag = number &lt;&lt; 3 | wire type
 *   value  = varint                        wire type 0; 7 bits a byte, the lowest first, the top bit set in all but the last
 *          | 8 bytes, little-endian        1
 *          | length (a varint), so many    2
 *          | 4 bytes, little-endian        5
 * </pre>
 *
 * protobuf-java has 1.7 MB and would save only this class: what the fields mean has to be written in any case.
 */
final class ProtobufMessage {
    private static final int VARINT = 0;
    private static final int EIGHT_BYTES = 1;
    private static final int BYTES = 2;
    private static final int FOUR_BYTES = 5;

    private final Path file;
    private final ByteBuffer in;
    private int field;
    private int wireType;
    private long number;
    private ByteBuffer bytes;

    /** @param in the message, from its position to its limit; positions are those in the file */
    ProtobufMessage(ByteBuffer in, Path file) {
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
        this.file = file;
    }

    /**
     * Goes to the next field.
     *
     * @return whether there is one
     * @throws BitNetException if what is there is no field, or ends behind the message
     */
    boolean next() {
        if (!in.hasRemaining()) {
            return false;
        }
        long tag = varint();
        if (tag >>> 3 == 0 || tag >>> 32 != 0) {
            throw bad("the field number " + (tag >>> 3));
        }
        field = (int) (tag >>> 3);
        wireType = (int) tag & 7;
        switch (wireType) {
            case VARINT -> number = varint();
            case EIGHT_BYTES -> number = take(Long.BYTES).getLong();
            case BYTES -> bytes = take(varint());
            case FOUR_BYTES -> number = take(Integer.BYTES).getInt();
            default -> throw bad("the wire type " + wireType);
        }
        return true;
    }

    /** The number of the field. */
    int field() {
        return field;
    }

    /** An int32 or an enum. */
    int integer() {
        require(VARINT);
        return (int) number;
    }

    boolean bool() {
        require(VARINT);
        return number != 0;
    }

    float real() {
        require(FOUR_BYTES);
        return Float.intBitsToFloat((int) number);
    }

    ProtobufMessage message() {
        require(BYTES);
        return new ProtobufMessage(bytes, file);
    }

    /** Number of bytes. */
    int length() {
        require(BYTES);
        return bytes.remaining();
    }

    String text() {
        require(BYTES);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
        } catch (CharacterCodingException e) {
            throw bad("a text that is no UTF-8");
        }
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE && in.hasRemaining(); shift += 7) {
            byte b = in.get();
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw bad("a number without an end");
    }

    private ByteBuffer take(long length) {
        if (length < 0 || length > in.remaining()) {
            throw bad("a length of " + Long.toUnsignedString(length) + " bytes where " + in.remaining() + " are left");
        }
        ByteBuffer taken = in.duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(in.position() + (int) length);
        in.position(taken.limit());
        return taken;
    }

    private void require(int type) {
        if (wireType != type) {
            throw bad("field " + field + " with the wire type " + wireType + ", not " + type);
        }
    }

    private BitNetException bad(String found) {
        return new BitNetException(file + " is no SentencePiece model, or damaged: it has " + found + " before byte " + in.position());
    }
}
