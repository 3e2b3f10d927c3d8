package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StreamDecoderTest {

    /** One token a byte, and a control token. */
    private static final List<String> TOKENS = TestVocabularies.byteTokens("<|end|>");
    private static final Tokenizer BYTES = Tokenizer.of(Vocabulary.of(TOKENS).pre("llama-bpe").types(types()).build());

    private static int[] types() {
        int[] types = new int[TOKENS.size()];
        Arrays.fill(types, 1);
        types[256] = 3;
        return types;
    }

    private static List<String> push(StreamDecoder decoder, int... bytes) {
        List<String> shown = new ArrayList<>();
        for (int b : bytes) {
            shown.add(decoder.push(id(b)));
        }
        shown.add(decoder.finish());
        return shown;
    }

    private static int id(int b) {
        for (int id = 0; id < 256; id++) {
            if ((BYTES.bytes(id)[0] & 0xFF) == b) {
                return id;
            }
        }
        throw new AssertionError(b);
    }

    @Test
    void aSplitCharacterIsHeldBack() {
        assertEquals(List.of("a", "", "", "", "\uD83D\uDE00", "b", ""), push(BYTES.newDecoder(), 'a', 0xF0, 0x9F, 0x98, 0x80, 'b'));
        assertEquals(List.of("", "\u00E9", "", "", "\u4F60", ""), push(BYTES.newDecoder(), 0xC3, 0xA9, 0xE4, 0xBD, 0xA0));
    }

    @Test
    void whatCannotBecomeACharacterIsReplacedAtOnce() {
        assertEquals(List.of("\uFFFD", "\uFFFD", "\uFFFD", ""), push(BYTES.newDecoder(), 0x80, 0xC0, 0xFF));
        assertEquals(List.of("", "\uFFFDx", ""), push(BYTES.newDecoder(), 0xE4, 'x'));
        assertEquals(List.of("", "\uFFFD\uFFFD", ""), push(BYTES.newDecoder(), 0xE0, 0x80));
        assertEquals(List.of("", "\uFFFD", "\u00E9", ""), push(BYTES.newDecoder(), 0xC3, 0xC3, 0xA9));
    }

    /** The examples of table 3-8 of the Unicode standard, "U+FFFD for maximal subparts". */
    @Test
    void maximalSubparts() {
        byte[] bytes = HexFormat.of().parseHex("61f18080e180c262806380bf64");
        assertEquals("a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd", Utf8.decode(bytes, bytes.length));
        byte[] surrogates = HexFormat.of().parseHex("eda080f5c0f09080");
        assertEquals("\uFFFD".repeat(6), Utf8.decode(surrogates, surrogates.length));
    }

    @Test
    void theEndReleasesABegunCharacter() {
        assertEquals(List.of("", "", "", "\uFFFD"), push(BYTES.newDecoder(), 0xF0, 0x9F, 0x98));
        assertEquals(List.of("a", ""), push(BYTES.newDecoder(), 'a'));
    }

    @Test
    void controlTokensAreHiddenOrShown() {
        assertEquals("", BYTES.newDecoder().push(256));
        assertEquals("<|end|>", BYTES.newDecoder(SpecialText.SHOW).push(256));
    }

    @Test
    void theStreamIsTheWhole() {
        SplittableRandom random = new SplittableRandom(5);
        int[] leads = {0x41, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF, 0x9F,
            0xA0, 0x8F, 0x90};
        for (int round = 0; round < 100_000; round++) {
            byte[] bytes = new byte[random.nextInt(12)];
            StringBuilder streamed = new StringBuilder();
            StreamDecoder decoder = BYTES.newDecoder();
            for (int i = 0; i < bytes.length; i++) {
                int b = random.nextInt(4) == 0 ? random.nextInt(256) : leads[random.nextInt(leads.length)];
                bytes[i] = (byte) b;
                streamed.append(decoder.push(ID_OF_BYTE[b]));
            }
            String whole = Utf8.decode(bytes, bytes.length);
            assertEquals(whole, streamed.append(decoder.finish()).toString());
            if (!hasSurrogate(bytes)) {
                assertEquals(new String(bytes, UTF_8), whole);
            }
        }
    }

    /** Where {@code new String} differs, see {@link Utf8#decode}. */
    private static boolean hasSurrogate(byte[] bytes) {
        for (int i = 0; i + 1 < bytes.length; i++) {
            if (bytes[i] == (byte) 0xED && (bytes[i + 1] & 0xE0) == 0xA0) {
                return true;
            }
        }
        return false;
    }

    /** Held back if and only if some continuation is a character. */
    @Test
    void heldBackExactlyWhileACharacterIsPossible() {
        for (int lead = 0x80; lead < 0x100; lead++) {
            for (int second = 0x80; second < 0xC0; second++) {
                byte[] bytes = {(byte) lead, (byte) second};
                boolean possible = false;
                for (int third : new int[] {0x80, 0xBF}) {
                    possible |= isCharacter((byte) lead, (byte) second, (byte) third);
                    possible |= isCharacter((byte) lead, (byte) second, (byte) third, (byte) 0x80);
                }
                assertEquals(possible ? 2 : 0, Utf8.incompleteTail(bytes, 2), () -> Integer.toHexString(bytes[0] << 8 | bytes[1]));
            }
        }
    }

    private static boolean isCharacter(byte... bytes) {
        String text = new String(bytes, UTF_8);
        return text.codePointCount(0, text.length()) == 1 && !text.contains("\uFFFD");
    }

    private static final int[] ID_OF_BYTE = new int[256];

    static {
        for (int b = 0; b < 256; b++) {
            ID_OF_BYTE[b] = id(b);
        }
    }
}
