package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;

/** Vocabularies for tests, read from GGUF files of version 3 by the plainest possible reader: this room must not know the gguf room. */
final class TestVocabularies {

    private static final Path ROOT = root();

    private TestVocabularies() {}

    /** The vocabulary of the bundled model: 2048 tokens. */
    static Vocabulary shakespeare() {
        return read(ROOT.resolve("models/shakespeare.gguf"));
    }

    /** The vocabulary of Llama 3; skips the test where the file is not there. */
    static Vocabulary llama3() {
        return read(shared("models/llama3-vocab.gguf"));
    }

    /** A file next to the repository that is not part of it; skips the test where it is not there. */
    static Path shared(String path) {
        Path file = ROOT.resolve("../shared").resolve(path);
        Assumptions.assumeTrue(Files.exists(file), () -> "not here: ../shared/" + path);
        return file;
    }

    /** 256 bytes in the order of the alphabet's characters, then the given tokens, all normal. */
    static List<String> byteTokens(String... more) {
        List<String> tokens = new ArrayList<>(IntStream.range(0, 0x144)
                .filter(c -> ByteAlphabet.toByte((char) c) >= 0)
                .mapToObj(Character::toString)
                .toList());
        tokens.addAll(List.of(more));
        return tokens;
    }

    private static Path root() {
        Path path = Path.of("").toAbsolutePath();
        while (!Files.exists(path.resolve("models/shakespeare.gguf"))) {
            path = path.getParent();
        }
        return path;
    }

    static Vocabulary composing(Vocabulary v) {
        return new Vocabulary(v.model(), v.pre(), v.split(), v.wholePieces(), v.tokens(), v.merges(), v.scores(), v.types(), v.bos(),
                v.eos(), v.eot(), v.addBos(), v.addEos(), v.spacePrefix(), true, v.piecesWithin());
    }

    static Vocabulary withSplit(Vocabulary v, List<String> steps) {
        return new Vocabulary(v.model(), v.pre(), steps, v.wholePieces(), v.tokens(), v.merges(), v.scores(), v.types(), v.bos(),
                v.eos(), v.eot(), v.addBos(), v.addEos(), v.spacePrefix(), v.composes(), v.piecesWithin());
    }

    static Vocabulary read(Path file) {
        Map<String, Object> values = new HashMap<>();
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer in = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.LITTLE_ENDIAN);
            in.position(16);
            long pairs = in.getLong();
            for (long i = 0; i < pairs; i++) {
                values.put(string(in), value(in, in.getInt()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Vocabulary.Builder vocabulary = Vocabulary.of(strings(values.get("tokenizer.ggml.tokens")))
                .model((String) values.get("tokenizer.ggml.model"))
                .types((int[]) values.get("tokenizer.ggml.token_type"))
                .pre((String) values.getOrDefault("tokenizer.ggml.pre", "llama-bpe"))
                .addBos((boolean) values.getOrDefault("tokenizer.ggml.add_bos_token", false))
                .spacePrefix((boolean) values.getOrDefault("tokenizer.ggml.add_space_prefix", true) ? SpacePrefix.ALWAYS : SpacePrefix.NEVER);
        if (values.get("tokenizer.ggml.merges") instanceof List<?> merges) {
            vocabulary.merges(strings(merges));
        }
        if (values.get("tokenizer.ggml.scores") instanceof float[] scores) {
            vocabulary.scores(scores);
        }
        vocabulary.bos((int) values.get("tokenizer.ggml.bos_token_id"));
        vocabulary.eos((int) values.get("tokenizer.ggml.eos_token_id"));
        return vocabulary.build();
    }

    private static Object value(ByteBuffer in, int type) {
        return switch (type) {
            case 0, 1, 7 -> in.get() != 0;
            case 4, 5, 6 -> in.getInt();
            case 8 -> string(in);
            case 9 -> array(in, in.getInt(), Math.toIntExact(in.getLong()));
            default -> throw new IllegalArgumentException("type " + type);
        };
    }

    private static Object array(ByteBuffer in, int type, int length) {
        if (type == 5) {
            int[] values = new int[length];
            for (int i = 0; i < length; i++) {
                values[i] = in.getInt();
            }
            return values;
        }
        if (type == 6) {
            float[] values = new float[length];
            for (int i = 0; i < length; i++) {
                values[i] = in.getFloat();
            }
            return values;
        }
        int[] offsets = new int[length];
        for (int i = 0; i < length; i++) {
            offsets[i] = in.position();
            in.position(in.position() + 8 + (int) in.getLong(in.position()));
        }
        return new LazyStrings(in, offsets);
    }

    private static String string(ByteBuffer in) {
        byte[] bytes = new byte[Math.toIntExact(in.getLong())];
        in.get(bytes);
        return new String(bytes, UTF_8);
    }

    @SuppressWarnings("unchecked")
    private static List<String> strings(Object list) {
        return (List<String>) list;
    }

    private static final class LazyStrings extends AbstractList<String> {
        private final ByteBuffer file;
        private final int[] offsets;

        LazyStrings(ByteBuffer file, int[] offsets) {
            this.file = file;
            this.offsets = offsets;
        }

        @Override
        public String get(int index) {
            byte[] bytes = new byte[(int) file.getLong(offsets[index])];
            file.get(offsets[index] + 8, bytes);
            return new String(bytes, UTF_8);
        }

        @Override
        public int size() {
            return offsets.length;
        }
    }
}
