package io.github.bitnet4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Build time, retained heap and throughput of the Llama-3 tokenizer, and with splits by steps; not a test.
 * {@code java -Xmx512m -cp java/core/target/classes:java/core/target/test-classes:<junit api jars> ...TokenizerSpeed [FILE...]}
 */
final class TokenizerSpeed {

    private TokenizerSpeed() {}

    public static void main(String[] files) throws Exception {
        Vocabulary vocabulary = TestVocabularies.llama3();
        long before = used();
        long start = System.nanoTime();
        Tokenizer tokenizer = Tokenizer.of(vocabulary);
        double coldMillis = (System.nanoTime() - start) / 1e6;
        System.out.printf("%d tokens, %d merges: built cold in %.0f ms, %.1f MB of heap retained%n", tokenizer.size(),
                vocabulary.merges().size(), coldMillis, (used() - before) / 1e6);
        String[] paths = files.length > 0 ? files : new String[] {TestVocabularies.shared("golden/shakespeare-excerpt.txt").toString()};
        for (String file : paths) {
            measure(tokenizer, file, Files.readString(Path.of(file)));
        }
        measure(tokenizer, "1 MB of 'a'", "a".repeat(1 << 20));
        measure(tokenizer, "1 MB of random letters", letters(1 << 20));
        measure(tokenizer, "1 MB of spaces", " ".repeat(1 << 20));
        List<String> falcon = List.of("contiguous [\\p{P}$+<=>^`|~]", "isolated " + NamedSplit.GPT_2_EXPRESSION, "bytes",
                "contiguous \\p{N}", "isolated [0-9][0-9][0-9]");
        List<String> gpt2 = NamedSplit.GPT_2.steps().stream().map(SplitStep::label).toList();
        for (List<String> steps : List.of(gpt2, falcon)) {
            Tokenizer stepwise = Tokenizer.of(TestVocabularies.withSplit(vocabulary, steps));
            System.out.println("split by " + steps);
            for (String file : paths) {
                measure(stepwise, file, Files.readString(Path.of(file)));
            }
            measure(stepwise, "1 MB of 'a'", "a".repeat(1 << 20));
            measure(stepwise, "1 MB of spaces", " ".repeat(1 << 20));
        }
    }

    private static String letters(int count) {
        byte[] letters = new byte[count];
        new java.util.Random(1).nextBytes(letters);
        for (int i = 0; i < count; i++) {
            letters[i] = (byte) ('a' + (letters[i] & 0xFF) % 26);
        }
        return new String(letters, UTF_8);
    }

    private static void measure(Tokenizer tokenizer, String name, String text) {
        int bytes = text.getBytes(UTF_8).length;
        int repeat = Math.max(1, (4 << 20) / bytes);
        double[] seconds = new double[9];
        int ids = 0;
        for (int run = 0; run < seconds.length; run++) {
            long start = System.nanoTime();
            for (int i = 0; i < repeat; i++) {
                ids = tokenizer.encode(text, SpecialTokens.PARSE).length;
            }
            seconds[run] = (System.nanoTime() - start) / 1e9 / repeat;
        }
        Arrays.sort(seconds);
        System.out.printf("%s: %d bytes, %d ids, median %.1f MB/s, best %.1f MB/s%n", name, bytes, ids,
                bytes / seconds[seconds.length / 2] / 1e6, bytes / seconds[0] / 1e6);
    }

    private static long used() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(20);
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
