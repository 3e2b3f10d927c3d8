package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Generation;
import io.github.bitnet4j.api.GenerationOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.huggingface.CheckpointFolder.Form;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import io.github.bitnet4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Folders with {@code tokenizer.model} and no {@code tokenizer.json}. The models in the resources were made of the page that
 * {@code bitnet optimize} runs, {@code java/cli/src/main/resources/io/github/bitnet4j/cli/sample.txt}, by SentencePiece 0.1.97, and the
 * ids of {@code sentencepiece.json} are those of its library:
 *
 * <pre>
 * spm_train --input=sample.txt --model_type=bpe --byte_fallback=true --normalization_rule_name=identity
 *     --remove_extra_whitespaces=false --vocab_size=480 ...
 * llama:  --split_digits=true
 * gemma:  --split_digits=true --add_dummy_prefix=false --allow_whitespace_only_pieces=true
 *     --user_defined_symbols="▁▁,▁▁▁,&lt;line&gt;,&lt;li" --pad_id=0 --eos_id=1 --bos_id=2 --unk_id=3 --bos_piece="&lt;bos&gt;" --eos_piece="&lt;eos&gt;"
 * pieces: --user_defined_symbols="▁▁,&lt;line&gt;,▁the" --control_symbols="&lt;end&gt;"
 * </pre>
 */
class TokenizerModelTest {
    private static final int SIZE = 512;

    @TempDir
    private Path folder;

    private static byte[] trained(String name) throws IOException {
        try (InputStream in = TokenizerModelTest.class.getResourceAsStream(name + ".model")) {
            return in.readAllBytes();
        }
    }

    /** JSON with single quotes; an empty one writes no file. */
    private void write(byte[] model, String config, String special, String added) throws IOException {
        Files.write(folder.resolve("tokenizer.model"), model);
        Files.write(folder.resolve("model.safetensors"), new byte[] {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        String[][] files = {{"tokenizer_config.json", config}, {"special_tokens_map.json", special}, {"added_tokens.json", added}};
        for (String[] file : files) {
            Files.deleteIfExists(folder.resolve(file[0]));
            if (!file[1].isEmpty()) {
                Files.writeString(folder.resolve(file[0]), file[1].replace('\'', '"'));
            }
        }
    }

    private Tokenizer converted(int size) throws IOException {
        GgufWriter writer = new GgufWriter();
        Path target = folder.resolve("vocabulary.gguf");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            CheckpointVocabulary vocabulary = CheckpointVocabulary.of(checkpoint);
            vocabulary.addTo(writer, size);
            vocabulary.bos().ifPresent(id -> writer.u32("tokenizer.ggml.bos_token_id", id));
            vocabulary.eos().ifPresent(id -> writer.u32("tokenizer.ggml.eos_token_id", id));
        }
        writer.write(target, (done, total) -> {});
        try (GgufFile file = GgufFile.open(target)) {
            return BitNetModel.tokenizer(file);
        }
    }

    private Tokenizer tokenizer(byte[] model, String config, String special, String added) throws IOException {
        write(model, config, special, added);
        return converted(SIZE);
    }

    private Tokenizer tokenizer(String trained, String config) throws IOException {
        return tokenizer(trained(trained), config, "", "");
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma", "pieces"})
    void idsAreThoseOfSentencePiece(String name) throws IOException {
        JsonNode golden;
        try (InputStream in = TokenizerModelTest.class.getResourceAsStream("sentencepiece.json")) {
            golden = new ObjectMapper().readTree(in);
        }
        for (String config : List.of("{'legacy': false}", "{'legacy': true}", "")) {
            if (name.equals("gemma") && config.contains("false")) {
                continue; // LlamaTokenizer then puts a space that the model itself does not
            }
            Tokenizer tokenizer = tokenizer(name, config);
            for (int i = 0; i < golden.get("texts").size(); i++) {
                String text = golden.get("texts").get(i).asText();
                int[] ids = tokenizer.encode(text);
                assertArrayEquals(golden.get(name).get(i).valueStream().mapToInt(JsonNode::asInt).toArray(), ids,
                        () -> "'" + text + "' as " + Arrays.toString(ids));
                assertEquals(text.replace('\u2581', ' '), tokenizer.decode(ids));
            }
        }
    }

    private static int[] ids(Tokenizer tokenizer, String... tokens) {
        return Arrays.stream(tokens).mapToInt(token -> tokenizer.id(token).orElseThrow()).toArray();
    }

    private static void encodes(Tokenizer tokenizer, String text, String... tokens) {
        int[] ids = tokenizer.encode(text, SpecialTokens.PARSE);
        assertArrayEquals(ids(tokenizer, tokens), ids, () -> "'" + text + "' as " + Arrays.toString(ids));
    }

    /** Words of one token, with a space before them and without. */
    private static ModelProto words() {
        return new ModelProto().piece("a", -10, 1).piece("b", -11, 1).piece("\u2581a", -1, 1).piece("\u2581b", -2, 1)
                .piece("\u2581\u2581", -3, 1);
    }

    @Test
    void aSpaceComesBeforeEachStretchInLegacyTokenizers() throws IOException {
        Tokenizer tokenizer = tokenizer(words().bytes(), "{'legacy': true}", "", "{'<line>': 270}");
        assertEquals(SpacePrefix.ALWAYS, tokenizer.spacePrefix());
        encodes(tokenizer, "a<s>b</s> b", "\u2581a", "<s>", "\u2581b", "</s>", "\u2581", "\u2581b");
        encodes(tokenizer, "a<line>b", "\u2581a", "<line>", "\u2581b");
        encodes(tokenizer, "<line>b", "<line>", "\u2581b");
    }

    @Test
    void aSpaceComesBeforeTheWholeTextInOthers() throws IOException {
        Tokenizer tokenizer = tokenizer(words().bytes(), "{'legacy': false}", "", "{'<line>': 270}");
        assertEquals(SpacePrefix.TEXT, tokenizer.spacePrefix());
        encodes(tokenizer, "a<s>b</s> b", "\u2581a", "<s>", "b", "</s>", "\u2581b");
        encodes(tokenizer, "<s>a", "<s>", "a");
        encodes(tokenizer, " a", "\u2581", "\u2581a");
        encodes(tokenizer, "a<line>b", "\u2581a", "<line>", "b");
        encodes(tokenizer, "<line>b", "\u2581", "<line>", "b");
        for (String text : List.of("a", " a", "  a b", "<line> b", "a<line>b", "")) {
            assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
        }
        assertEquals("a", tokenizer.decode(ids(tokenizer, "<s>", "\u2581a", "</s>")), "a hidden BOS does not begin a text");
    }

    /** Not the order of ids, as in trained models both say the same; of equal scores the leftmost. */
    @Test
    void scoresDecide() throws IOException {
        byte[] model = new ModelProto().piece("a", -20, 1).piece("b", -21, 1).piece("c", -22, 1).piece("ab", -1.5f, 1)
                .piece("bc", -1.25f, 1).piece("ca", -1.5f, 1).bytes();
        Tokenizer tokenizer = tokenizer(model, "{'legacy': false, 'add_prefix_space': false}", "", "");
        encodes(tokenizer, "abc", "a", "bc");
        encodes(tokenizer, "cab", "ca", "b");
    }

    @Test
    void flagsOfAddedTokensAreNotPassedOver() throws IOException {
        assertEquals("", Warnings.of(() -> tokenizer("llama", "{'added_tokens_decoder': {'1': {'content': '<s>', 'lstrip': false}}}")));
        for (String[] flagged : new String[][] {{"{'added_tokens_decoder': {'1': {'content': '<s>', 'lstrip': true}}}", ""},
                {"", "{'bos_token': {'content': '<s>', 'single_word': true}}"}}) {
            String warned = Warnings.of(() -> tokenizer(trained("llama"), flagged[0], flagged[1], ""));
            assertTrue(warned.contains("wants spaces taken away around 1 of its added tokens, such as '<s>', "), warned);
        }
    }

    /** With legacy the model alone decides, and without it the configuration does. */
    @Test
    void theConfigurationCanLeaveTheSpaceOut() throws IOException {
        assertEquals(SpacePrefix.ALWAYS, tokenizer("llama", "{'add_prefix_space': false}").spacePrefix());
        assertEquals(SpacePrefix.NEVER, tokenizer("gemma", "{'add_prefix_space': true}").spacePrefix());
        assertEquals(SpacePrefix.NEVER, tokenizer("llama", "{'legacy': false, 'add_prefix_space': false}").spacePrefix());
        assertEquals(SpacePrefix.NEVER, tokenizer("llama", "{'legacy': false, 'add_prefix_space': null}").spacePrefix());
        assertEquals(SpacePrefix.TEXT, tokenizer("gemma", "{'legacy': false}").spacePrefix());
    }

    /** Of the model's own user-defined tokens none begins a stretch; special tokens do. */
    @Test
    void userDefinedPiecesAreWithinAText() throws IOException {
        byte[] model = words().piece("<x>", 0, 4).piece("\u2581a\u2581", 0, 4).bytes();
        Tokenizer legacy = tokenizer(model, "", "", "");
        encodes(legacy, "a<x>b<s><x>b", "\u2581a", "<x>", "b", "<s>", "\u2581", "<x>", "b");
        encodes(legacy, "a b\u2581a b", "\u2581a\u2581", "b", "\u2581a\u2581", "b");
        assertEquals("a <x>b", legacy.decode(legacy.encode("a <x>b")));
        Tokenizer other = tokenizer(model, "{'legacy': false}", "", "");
        encodes(other, "a<x>b<s><x>b", "\u2581a", "<x>", "b", "<s>", "<x>", "b");
        assertEquals("a <x>b", other.decode(other.encode("a <x>b")));
        rejected("has user-defined pieces, and tokenizer_config.json or added_tokens.json adds tokens that are not special", model, "",
                "{'<line>': 270}");
    }

    @Test
    void tokensOfTheOtherFiles() throws IOException {
        String config = "{'legacy': false, 'bos_token': {'content': '<begin>'}, 'eos_token': '</s>', 'add_eos_token': true,"
                + "'added_tokens_decoder': {'0': {'content': '<unk>', 'special': true}, '270': {'content': '<begin>', 'special': true},"
                + "'271': {'content': '<tool>', 'special': false}, '512': {'content': '<image_soft_token>', 'special': true}}}";
        Tokenizer tokenizer = tokenizer(words().piece("a\u2581b", -4, 1).bytes(), config, "{'pad_token': '<pad>',"
                + "'additional_special_tokens': ['a\u2581b', {'content': '<more>'}]}", "{'<pad>': 268, '<more>': 269, '<plain>': 272}");
        assertEquals(OptionalInt.of(270), tokenizer.bos());
        assertEquals(OptionalInt.of(2), tokenizer.eos());
        assertTrue(tokenizer.addBos() && tokenizer.addEos());
        for (String special : List.of("<unk>", "<pad>", "<more>", "<begin>", "a\u2581b")) {
            assertTrue(tokenizer.isSpecial(tokenizer.id(special).orElseThrow()), special);
        }
        assertTrue(tokenizer.isUserDefined(271) && tokenizer.isUserDefined(272));
        assertEquals(OptionalInt.of(511), tokenizer.id("[PAD511]"));
        encodes(tokenizer, "a<tool>b<pad>", "\u2581a", "<tool>", "b", "<pad>");
        Tokenizer plain = tokenizer("gemma", "{'add_bos_token': false, 'added_tokens_decoder': {}}");
        assertFalse(plain.addBos() || plain.addEos());
        assertEquals(OptionalInt.of(2), tokenizer("gemma", "{}").bos(), "that of the model");
    }

    @Test
    void tokenizerJsonIsTakenWhereThereAreBoth() throws IOException {
        write(trained("llama"), "", "", "");
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"WordPiece\"}}");
        String message = assertThrows(BitNetException.class, () -> converted(SIZE)).getMessage();
        assertTrue(message.contains("tokenizer.json holds a vocabulary of the type 'WordPiece'"), message);
    }

    /** The whole way: a folder that is converted and run. */
    @ParameterizedTest
    @ValueSource(strings = {"bitnet", "gemma3"})
    void aFolderRuns(String architecture) throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Synth.write(SynthSpec.builder().architecture(architecture).vocab(SIZE).build(), plain);
        Path source = folder.resolve("checkpoint");
        try (GgufFile file = GgufFile.open(plain)) {
            new CheckpointFolder(file, Form.MASTER).write(source, 1);
        }
        Files.delete(source.resolve("tokenizer.json"));
        boolean embeds = architecture.equals("gemma3");
        Files.write(source.resolve("tokenizer.model"), trained(embeds ? "gemma" : "llama"));
        Files.writeString(source.resolve("tokenizer_config.json"), "{\"add_eos_token\": " + embeds + "}");
        try (BitNetModel model = BitNetModel.open(new CheckpointCache(folder.resolve("cache")).gguf(source, (done, total) -> {}))) {
            assertEquals(embeds ? SpacePrefix.NEVER : SpacePrefix.ALWAYS, model.tokenizer().spacePrefix());
            int[] ids = model.encodeWhole("the  best");
            assertEquals(embeds ? 2 : 1, ids[0]);
            assertEquals(embeds, ids[ids.length - 1] == 1);
            assertEquals("the  best", model.tokenizer().decode(ids));
            if (embeds) {
                assertEquals(model.info().hidden(), model.embed(List.of("the  best")).getFirst().length);
            } else {
                try (Session session = model.newSession();
                     Generation generation = session.generate("the", GenerationOptions.tokens(3))) {
                    assertEquals(3, generation.stream().count());
                }
            }
        }
    }

    @Test
    void whatCannotBeComputedIsNamed() throws IOException {
        rejected("is a SentencePiece model of the kind UNIGRAM; only BPE can be used here", model -> model.trainer.remove(3));
        rejected("of the kind CHAR;", model -> model.trainer.put(3, 4L));
        rejected("(byte_fallback is false)", model -> model.trainer.remove(35));
        rejected("changes text by the rule 'rule' before it is encoded; only 'identity'", model -> model.charsmap = new byte[9]);
        rejected("changes text that it decodes by a rule of its own", model -> model.denormalizer = new byte[9]);
        rejected("(remove_extra_whitespaces is true)", model -> model.normalizer.remove(4));
        rejected("(escape_whitespaces is false)", model -> model.normalizer.put(5, 0L));
        rejected("(treat_whitespace_as_suffix is true)", model -> model.trainer.put(24, 1L));
        rejected("has a piece, 'a' of id 261, that was there before", model -> model.piece("a", 0, 1).piece("a", 0, 4));
        rejected("has a piece, '' of id 260, that has no text", model -> model.piece("", 0, 1));
        rejected("has the score NaN and the type 1", model -> model.piece("a", Float.NaN, 1));
        rejected("has the score 0.0 and the type 7", model -> model.piece("a", 0, 7));
        rejected("'<0xA>' of id 260, that is no name of a byte", model -> model.piece("<0xA>", 0, 6));
        rejected("256 of 256 bytes and 2 of the type UNKNOWN", model -> model.piece("<?>", 0, 2));
        rejected("'ab' of id 261, that has a character that is no piece", model -> model.piece("a", 0, 1).piece("ab", 0, 1));
        rejected("'ab' of id 262, that is of the type UNUSED but can be merged",
                model -> model.piece("a", 0, 1).piece("b", 0, 1).piece("ab", 0, 5));
        rejected("'\uD83D\uDE00' of id 260, that is a character of the type CONTROL", model -> model.piece("\uD83D\uDE00", 0, 3));
        rejected("gives the token 'z' the id 600, and the embedding table has 512 rows", words().bytes(), "", "{'z': 600}");
        rejected("gives the token 'z' the id 'x', which is no number", words().bytes(),
                "{'added_tokens_decoder': {'x': {'content': 'z'}}}", "");
        rejected("is no SentencePiece model, or damaged: it has no pieces", new byte[0], "", "");
        rejected("is no SentencePiece model, or damaged: it has ", "{\"model\": 1}".getBytes(), "", "");
    }

    /** An unused piece that nothing makes, and a character of two of Java's, are no reason to refuse. */
    @Test
    void whatCanBeComputedIsNot() throws IOException {
        Tokenizer tokenizer = tokenizer(words().piece("<unused0>", 0, 5).piece("\uD83D\uDE00", 0, 1).piece("a\uD83D\uDE00", 0, 1).bytes(),
                "", "", "");
        encodes(tokenizer, "aa\uD83D\uDE00", "\u2581a", "a\uD83D\uDE00");
    }

    private void rejected(String part, Consumer<ModelProto> change) throws IOException {
        ModelProto model = new ModelProto();
        change.accept(model);
        rejected(part, model.bytes(), "", "");
    }

    private void rejected(String part, byte[] model, String config, String added) throws IOException {
        write(model, config, "", added);
        String message = assertThrows(BitNetException.class, () -> converted(SIZE)).getMessage();
        assertTrue(message.contains(part), message);
    }

    /** Cut off anywhere, or with changed bytes, a file becomes a tokenizer or one sentence. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "pieces"})
    void damagedFilesNeverCrash(String name) throws IOException {
        byte[] model = trained(name);
        int refused = 0;
        for (int length = 0; length < model.length; length++) {
            refused += isRefused(Arrays.copyOf(model, length)) ? 1 : 0;
        }
        assertEquals(model.length, refused, "whatever is cut off, something is missing");
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 2000; i++) {
            byte[] changed = model.clone();
            for (int k = random.nextInt(3); k >= 0; k--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
            }
            refused += isRefused(changed) ? 1 : 0;
        }
        assertTrue(refused > model.length + 500, "of changed ones few are as good as before: " + refused);
    }

    private boolean isRefused(byte[] model) throws IOException {
        Path file = Files.write(folder.resolve("tokenizer.model"), model);
        try {
            SentencePieceModel.read(file);
            return false;
        } catch (BitNetException e) {
            assertFalse(e.getMessage().contains("\n") || e.getCause() != null, e.getMessage());
            return true;
        }
    }
}
