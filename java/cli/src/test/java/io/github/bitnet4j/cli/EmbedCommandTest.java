package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.QuantizedVector;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import io.github.bitnet4j.model.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbedCommandTest {
    private static final String FIRST = "query: What is BitNet?";
    private static final String SECOND = "A ternary weight is -1, 0 or 1.";
    private static final int DIMENSIONS = 256;

    @TempDir
    private static Path folder;
    private static String model;
    private static List<float[]> expected;

    @BeforeAll
    static void synth() {
        model = folder.resolve("m.gguf").toString();
        Cli.ok("synth", "--preset", "tiny-qwen3", model);
        try (BitNetModel opened = BitNetModel.open(Path.of(model))) {
            expected = opened.embed(List.of(FIRST, SECOND));
        }
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) array.get(i).asDouble();
        }
        return values;
    }

    private static void assertVectors(Cli result) throws IOException {
        List<String> lines = result.out().lines().toList();
        assertEquals(2, lines.size());
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(expected.get(i), floats(new ObjectMapper().readTree(lines.get(i))));
        }
    }

    @Test
    void aLineOfNumbersForEachText() throws IOException {
        assertVectors(Cli.ok("embed", "-m", model, "-p", FIRST, "-p", SECOND));
        Path file = Files.writeString(folder.resolve("texts.txt"), FIRST + "\r\n" + SECOND + "\n");
        Cli result = Cli.ok("embed", "-m", model, "-f", file.toString());
        assertVectors(result);
        assertTrue(result.err().startsWith("2 texts, ") && result.err().contains("pooling: mean; 256 numbers of 32 bits a text"),
                result.err());
        assertVectors(Cli.runWithInput(FIRST + "\n" + SECOND, "embed", "-m", model));
    }

    @Test
    void oneDocument() {
        JsonNode json = Cli.ok("embed", "-m", model, "-p", FIRST, "-p", SECOND, "--json").json();
        assertEquals(DIMENSIONS, json.get("summary").get("dimensions").asInt());
        assertEquals("mean", json.get("summary").get("pooling").asText());
        assertEquals(2, json.get("summary").get("texts").asInt());
        assertArrayEquals(expected.get(1), floats(json.get("embeddings").get(1)));
    }

    @Test
    void numpyReadsTheFile() throws IOException {
        Path output = folder.resolve("vectors.npy");
        JsonNode summary = Cli.ok("embed", "-m", model, "-p", FIRST, "-p", SECOND, "-o", output.toString(), "--json").json();
        assertEquals(32, summary.get("bits").asInt());
        ByteBuffer data = data(output, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 256), }");
        for (float[] vector : expected) {
            for (float number : vector) {
                assertEquals(number, data.getFloat());
            }
        }
        assertEquals(0, data.remaining());
    }

    @Test
    void fewBits() throws IOException {
        for (int bits : new int[] {8, 4, 2, 1}) {
            Path output = folder.resolve("codes.npy");
            assertEquals("", Cli.ok("embed", "-m", model, "-p", FIRST, "-p", SECOND, "--bits", "" + bits, "-o",
                    output.toString()).out());
            ByteBuffer data = data(output, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, " + 32 * bits + "), }");
            String[] lines = Cli.ok("embed", "-m", model, "-p", FIRST, "-p", SECOND, "--bits", "" + bits).out().split("\n");
            for (int i = 0; i < 2; i++) {
                QuantizedVector vector = QuantizedVector.of(expected.get(i), bits);
                byte[] codes = new byte[32 * bits];
                data.get(codes);
                assertArrayEquals(vector.codes(), codes);
                JsonNode line = new ObjectMapper().readTree(lines[i]);
                assertArrayEquals(vector.codes(), line.get("codes").binaryValue());
                assertEquals(vector.step(), (float) line.get("step").asDouble());
            }
        }
    }

    /** The elements, behind the header. */
    private static ByteBuffer data(Path file, String header) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int end = 10 + bytes.getShort(8);
        assertEquals(header, StandardCharsets.US_ASCII.decode(bytes.slice(10, end - 10)).toString().strip());
        return bytes.position(end).slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void poolingCanBeChosen() throws IOException {
        Cli last = Cli.ok("embed", "-m", model, "-p", FIRST, "--pooling", "last");
        assertTrue(last.err().contains("pooling: last"), last.err());
        assertNotEquals(Arrays.toString(expected.getFirst()), Arrays.toString(floats(new ObjectMapper().readTree(last.out()))));
    }

    @Test
    void itIsSaidThatATextIsCut() throws IOException {
        Path file = folder.resolve("cut.gguf");
        try (GgufFile original = GgufFile.open(Path.of(model))) {
            GgufWriter writer = new GgufWriter();
            original.metadata().asMap().forEach(writer::value);
            writer.u32(ModelConfig.MOST_TOKENS_KEY, 8);
            original.tensors().forEach(each -> writer.tensor(each.name(), each.type(), each.dims(), TensorData.of(each.data())));
            writer.write(file, (written, total) -> {});
        }
        Cli result = Cli.ok("embed", "-m", file.toString(), "-p", "x", "-p", "word ".repeat(20), "-p", "word ".repeat(90));
        assertTrue(result.err().startsWith("bitnet: 2 of 3 texts have more than the 8 tokens that "), result.err());
        assertTrue(result.err().contains(" takes of a text; what follows those is left out\n3 texts, 19 tokens, "), result.err());
        Cli all = Cli.ok("embed", "-m", file.toString(), "-p", "x");
        assertEquals(1, all.err().lines().count(), all.err());
    }

    @Test
    void aModelThatGeneratesIsNamedAsSuch() {
        Cli result = Cli.ok("embed", "-p", FIRST);
        assertTrue(result.err().startsWith("bitnet: ") && result.err().contains("was trained to go on with texts"), result.err());
        assertEquals(1, result.out().lines().count());
    }

    @Test
    void otherCommandsPointHere() {
        for (String[] arguments : new String[][] {{"run", "-p", "x"}, {"chat"}, {"perplexity", "-p", "x"},
            {"logits", "-p", "x", "-o", folder.resolve("logits.npy").toString()}, {"bench", "-n", "1", "-p", "0", "-r", "1"}}) {
            String[] all = Arrays.copyOf(arguments, arguments.length + 2);
            all[arguments.length] = "-m";
            all[arguments.length + 1] = model;
            refused(1, "is a model for embeddings: it has no output head to go on with a text; 'bitnet embed'", all);
        }
        String output = folder.resolve("o.gguf").toString();
        refused(1, "is a model for embeddings, without an output head to quantise", "optimize", model, "--head", "q8_0",
                "-o", output);
        refused(1, "is a model for embeddings, without an output head to convert", "convert", model, "--type", "i2_s",
                "--head", "q8_0", "-o", output);
    }

    /** In other layouts, and other formats, it is the same model. */
    @Test
    void optimisedAndConvertedFilesGiveTheSameVectors() throws IOException {
        String output = folder.resolve("changed.gguf").toString();
        for (String[] change : new String[][] {{"optimize", "--target", "avx2"}, {"convert", "--type", "tq2_0"}}) {
            Files.deleteIfExists(Path.of(output));
            Cli.ok(change[0], model, change[1], change[2], "-o", output);
            assertVectors(Cli.ok("embed", "-m", output, "-p", FIRST, "-p", SECOND));
        }
    }

    private static void refused(int status, String part, String... arguments) {
        Cli result = Cli.run(arguments);
        assertEquals(status, result.status(), result.err());
        assertTrue(result.err().contains(part), result.err());
        assertEquals(1, result.err().lines().count(), result.err());
    }

    @Test
    void mistakes() throws IOException {
        refused(2, "-p and -f exclude each other", "embed", "-m", model, "-p", "x", "-f", "y");
        refused(2, "bits is 3; it must be 8, 4, 2 or 1", "embed", "-m", model, "-p", "x", "--bits", "3");
        refused(2, "--pooling is 'max'; it must be mean or last", "embed", "-m", model, "-p", "x", "--pooling", "max");
        refused(1, "nope.txt: there is no such file", "embed", "-m", model, "-f", "nope.txt");
        refused(1, "there are no texts; standard input is empty", "embed", "-m", model);
        refused(1, "there is no folder", "embed", "-m", model, "-p", "x", "-o", "/nowhere/x.npy");
        refused(1, "text 2 has ", "embed", "-m", model, "-c", "8", "-p", "x", "-p", "word ".repeat(20));
    }
}
