package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.gguf.GgufArray;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.tokenizer.NamedSplit;
import io.github.bitnet4j.tokenizer.SpacePrefix;
import io.github.bitnet4j.tokenizer.SpecialTokens;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.Tokenizer;
import io.github.bitnet4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Vocabularies in the layouts of the published {@code tokenizer.json} files, by way of a GGUF file to a tokenizer. */
class TokenizerJsonTest {
    private static final String LLAMA_SPLIT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
            + "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";
    private static final String QWEN_SPLIT = LLAMA_SPLIT.replace("{1,3}", "");
    private static final String REPLACE = "{'type':'Replace','pattern':{'String':' '},'content':'\u2581'}";
    private static final String BOS = "{'SpecialToken':{'id':'<s>','type_id':0}}";
    private static final String TEXT = "{'Sequence':{'id':'A','type_id':0}}";

    @TempDir
    private Path folder;

    /** JSON with single quotes. */
    private Path write(String json, int size) throws IOException {
        Path source = folder.resolve("tokenizer.json");
        Files.writeString(source, json.replace('\'', '"').replace('`', '\''));
        GgufWriter writer = new GgufWriter();
        new TokenizerJson(new ObjectMapper().readTree(source.toFile()), source).addTo(writer, size);
        Path target = folder.resolve("vocabulary.gguf");
        writer.write(target, (done, total) -> {});
        return target;
    }

    private Tokenizer tokenizer(String json, int size) throws IOException {
        try (GgufFile file = GgufFile.open(write(json, size))) {
            return BitNetModel.tokenizer(file);
        }
    }

    private static String split(String expression) {
        return "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'" + expression.replace('\'', '`')
                + "'},'behavior':'Isolated','invert':false},"
                + "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':false}]}";
    }

    private static String byteLevel(String normalizer, String preTokenizer) {
        return "{'normalizer':" + normalizer + ",'pre_tokenizer':" + preTokenizer + ",'post_processor':null,"
                + "'added_tokens':[{'id':5,'content':'<|end|>','special':true},{'id':6,'content':'<tool>','special':false}],"
                + "'model':{'type':'BPE','vocab':{'1':0,'2':1,'12':2,'\u0120':3,'\u01201':4},'merges':['1 2','\u0120 1']}}";
    }

    /** Bytes are ids 3 to 258, pieces follow. */
    private static String sentencePiece(String normalizer, String preTokenizer, String single, String merges) {
        String bytes = IntStream.range(0, 256).mapToObj(b -> "'<0x%02X>':%d,".formatted(b, b + 3)).collect(Collectors.joining());
        return "{'normalizer':" + normalizer + ",'pre_tokenizer':" + preTokenizer
                + ",'post_processor':{'type':'TemplateProcessing','single':[" + single + "]},"
                + "'added_tokens':[{'id':0,'content':'<unk>','special':true},{'id':1,'content':'<s>','special':true},"
                + "{'id':2,'content':'</s>','special':true},{'id':265,'content':'<line>','special':false,'normalized':false},"
                + "{'id':266,'content':'\u2581\u2581','special':false,'normalized':false}],"
                + "'model':{'type':'BPE','unk_token':'<unk>','fuse_unk':true,'byte_fallback':true,'vocab':{'<unk>':0,'<s>':1,'</s>':2,"
                + bytes + "'\u2581':259,'a':260,'b':261,'ab':262,'\u2581a':263,'\u2581ab':264,'\u2581\u2581':266},'merges':[" + merges + "]}}";
    }

    private static String llama(String normalizer) {
        return sentencePiece(normalizer, "null", BOS + "," + TEXT, "'a b','\u2581 a','\u2581 ab','\u2581a b'");
    }

    @Test
    void splitsAreRecognisedByTheirExpressions() throws IOException {
        Tokenizer llama = tokenizer(byteLevel("null", split(LLAMA_SPLIT)), 9);
        assertArrayEquals(new int[] {2, 3, 0, 2, 1}, llama.encode("12 1122"));
        Tokenizer qwen = tokenizer(byteLevel("{'type':'NFC'}", split(QWEN_SPLIT)), 9);
        assertArrayEquals(new int[] {0, 1, 3, 0, 1}, qwen.encode("12 12"));
        assertArrayEquals(new int[] {5, 6}, qwen.encode("<|end|><tool>", SpecialTokens.PARSE));
        assertTrue(qwen.isSpecial(5) && qwen.isUserDefined(6));
        assertEquals(OptionalInt.of(8), qwen.id("[PAD8]"));
        assertFalse(qwen.addBos());
    }

    /** A name where llama.cpp has one for the split, and what the file says of whole pieces where the name says something else. */
    @Test
    void splitsAreWrittenSoThatOtherProgramsSplitAlikeOrNotAtAll() throws IOException {
        assertSplit("llama-bpe", Optional.of(false), List.of(), split(LLAMA_SPLIT));
        assertSplit("gpt-2", Optional.empty(), List.of(), "{'type':'ByteLevel','add_prefix_space':false}");
        assertSplit("smollm", Optional.empty(), List.of(),
                "{'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':true},{'type':'ByteLevel'}]}");
        assertSplit("bitnet4j", Optional.empty(), List.of("space", "isolated " + NamedSplit.GPT_2_EXPRESSION, "bytes"),
                "{'type':'ByteLevel','add_prefix_space':true}");
        assertSplit("bitnet4j", Optional.empty(), List.of("contiguous \\p{N}", "!removed a\\.b", "bytes"),
                "{'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':false},{'type':'Sequence','pretokenizers':["
                + "{'type':'Split','pattern':{'String':'a.b'},'behavior':'Removed','invert':true},{'type':'ByteLevel','use_regex':false}]}]}");
    }

    private void assertSplit(String name, Optional<Boolean> wholePieces, List<String> steps, String preTokenizer) throws IOException {
        for (boolean ignoresMerges : new boolean[] {false, true}) {
            String json = byteLevel("null", preTokenizer).replace("'merges':", "'ignore_merges':" + ignoresMerges + ",'merges':");
            try (GgufFile file = GgufFile.open(write(json, 9))) {
                assertEquals(name, file.metadata().string("tokenizer.ggml.pre").orElseThrow());
                assertEquals(steps, file.metadata().array(SplitStep.KEY).map(GgufArray::strings).orElse(List.of()));
                assertEquals(ignoresMerges == wholePieces.isPresent() ? Optional.empty() : Optional.of(ignoresMerges),
                        file.metadata().bool(Vocabulary.WHOLE_PIECES_KEY));
            }
        }
    }

    /** Digits are seen apart from the space before them, and threes of them, only after ByteLevel. */
    @Test
    void stepsGoThroughTheFile() throws IOException {
        String bytes = "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':true}";
        assertArrayEquals(new int[] {2, 4, 2}, tokenizer(byteLevel("null", bytes), 9).encode("12 112"));
        String falcon = "{'type':'Sequence','pretokenizers':[{'type':'Punctuation','behavior':'Contiguous'}," + bytes
                + ",{'type':'Digits','individual_digits':false},"
                + "{'type':'Split','pattern':{'Regex':'[0-9][0-9][0-9]'},'behavior':'Isolated','invert':false}]}";
        assertArrayEquals(new int[] {2, 3, 0, 2, 2}, tokenizer(byteLevel("null", falcon), 9).encode("12 11212"));
        assertArrayEquals(new int[] {2, 3, 0, 0, 0, 1}, tokenizer(byteLevel("null", falcon), 9).encode("12 1112"));
    }

    @Test
    void sentencePieceWithASpaceInFront() throws IOException {
        Tokenizer tokenizer = tokenizer(llama("{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'\u2581'}," + REPLACE + "]}"), 268);
        assertTrue(tokenizer.addBos() && tokenizer.spacePrefix() == SpacePrefix.ALWAYS);
        assertFalse(tokenizer.addEos());
        assertArrayEquals(new int[] {264, 263, 3 + 0xC3, 3 + 0xA9}, tokenizer.encode("ab a\u00E9"));
        assertArrayEquals(new int[] {1, 264, 265, 264, 2},
                tokenizer.encode("<s>ab<line>ab</s>", SpecialTokens.PARSE));
        assertTrue(tokenizer.isSpecial(0));
        assertEquals("ab<line>a\u00E9", tokenizer.decode(tokenizer.encode("ab<line>a\u00E9")));
    }

    /** Gemma's, with added tokens of marks: they are not normalized, so that spaces become them by merges only. */
    @Test
    void sentencePieceWithoutASpaceInFront() throws IOException {
        String atSpaces = "{'type':'Split','pattern':{'String':' '},'behavior':'MergedWithPrevious','invert':false}";
        Tokenizer tokenizer = tokenizer(sentencePiece(REPLACE, atSpaces, TEXT + "," + BOS, "['\u2581','\u2581'],['\u2581','a'],['a','b']"), 267);
        assertFalse(tokenizer.addBos());
        assertEquals(SpacePrefix.NEVER, tokenizer.spacePrefix());
        assertTrue(tokenizer.addEos());
        assertArrayEquals(new int[] {262, 266, 262, 263, 261}, tokenizer.encode("ab  ab ab"));
        assertEquals("ab  ab", tokenizer.decode(tokenizer.encode("ab  ab")));
    }

    private static String metaspace(String options) {
        return "{'type':'Metaspace','replacement':'\u2581'," + options + "}";
    }

    /** Llama's, as newer programs write it. What a text begins with decides, and so does whether anything comes before it. */
    @Test
    void metaspacePutsASpaceWhereThereIsNone() throws IOException {
        String merges = "'a b','\u2581 a','\u2581 ab','\u2581a b'";
        Tokenizer first = tokenizer(sentencePiece("null", metaspace("'prepend_scheme':'first','split':false"), BOS + "," + TEXT, merges), 268);
        assertArrayEquals(new int[] {264, 263}, first.encode("ab a"));
        assertArrayEquals(new int[] {264, 263}, first.encode(" ab a"));
        assertArrayEquals(new int[] {1, 262, 265, 262}, first.encode("<s>ab<line>ab", SpecialTokens.PARSE));
        assertArrayEquals(new int[] {265, 264}, first.encode("<line> ab"));
        Tokenizer always = tokenizer(sentencePiece("null", metaspace("'prepend_scheme':'always','split':false"), TEXT, merges), 268);
        assertArrayEquals(new int[] {264, 265, 264, 265, 264}, always.encode("ab<line>ab<line> ab"));
        Tokenizer older = tokenizer(sentencePiece("null", metaspace("'add_prefix_space':true,'split':false"), TEXT, merges), 268);
        assertEquals(SpacePrefix.WHERE_MISSING, older.spacePrefix());
        Tokenizer never = tokenizer(sentencePiece("null", metaspace("'prepend_scheme':'never','split':false"), TEXT, merges), 268);
        assertArrayEquals(new int[] {262, 263}, never.encode("ab a"));
        for (String text : List.of("ab a", "<line> ab", "ab<line>ab", "a  b ", "\u00E9<line> <line>")) {
            assertEquals(text, first.decode(first.encode(text)));
        }
        assertEquals("ab", first.decode(new int[] {1, 264, 2}), "a hidden BOS does not begin a text");
    }

    /** GGUF files of other programs name no normal form, and their text stays as it is. */
    @Test
    void normalFormCIsThatOfTheFolder() throws IOException {
        String json = byteLevel("{'type':'NFC'}", split(QWEN_SPLIT)).replace("'\u01201':4}", "'\u01201':4,'\u00C3':7,'\u00A9':8,'\u00C3\u00A9':9,"
                + "'e':10,'\u00CC':11,'\u0123':12}").replace("'merges':[", "'merges':['\u00C3 \u00A9',");
        Tokenizer composing = tokenizer(json, 13);
        assertArrayEquals(new int[] {9}, composing.encode("e\u0301"));
        assertArrayEquals(new int[] {9, 5, 9}, composing.encode("e\u0301<|end|>\u00E9", SpecialTokens.PARSE));
        Tokenizer plain = tokenizer(json.replace("{'type':'NFC'}", "null"), 13);
        assertArrayEquals(new int[] {10, 11, 12}, plain.encode("e\u0301"));
        assertArrayEquals(new int[] {9}, plain.encode("\u00E9"));
    }

    /** Programs that read scores merge in the order of the merges. */
    @Test
    void scoresFollowTheMerges() throws IOException {
        try (GgufFile file = GgufFile.open(write(llama(REPLACE), 268))) {
            assertEquals("llama", file.metadata().string("tokenizer.ggml.model").orElseThrow());
            float[] scores = file.metadata().array("tokenizer.ggml.scores").orElseThrow().floats();
            assertArrayEquals(new float[] {0, 0, 0, 0, -1, -2}, new float[] {scores[3], scores[259], scores[260], scores[262],
                scores[263], scores[264]});
            int[] types = file.metadata().array("tokenizer.ggml.token_type").orElseThrow().ints();
            assertArrayEquals(new int[] {2, 3, 3, 6}, IntStream.of(types).limit(4).toArray());
            assertArrayEquals(new int[] {1, 4, 4, 5}, IntStream.of(types).skip(264).toArray());
        }
    }

    @Test
    void whatIsNotKnownIsNamed() throws IOException {
        rejected("has a pre_tokenizer that cannot be used here: text is split by the expression \\G, in which \\G is not known here; known are "
                + "classes, groups", byteLevel("null", split("\\\\G")));
        rejected("splits text by {\"type\":\"Sequence\",\"pretokenizers\":[]}, without ByteLevel",
                byteLevel("null", "{'type':'Sequence','pretokenizers':[]}"));
        rejected("has a pre_tokenizer that cannot be used here: the split [bytes, bytes] cannot be used",
                byteLevel("null", split("x").replaceFirst("\\{'type':'Split'[^}]*\\}[^}]*\\}", "{'type':'ByteLevel','use_regex':false}")));
        rejected("normalizes text by [Lowercase]", byteLevel("{'type':'Lowercase'}", split(QWEN_SPLIT)));
        rejected("normalizes text by [NFKC, Replace]", llama("{'type':'Sequence','normalizers':[{'type':'NFKC'}," + REPLACE + "]}"));
        rejected("splits text by [Metaspace]", sentencePiece(REPLACE, "{'type':'Metaspace'}", TEXT, ""));
        rejected("splits text by {\"type\":\"Metaspace\",\"replacement\":\"_\"", sentencePiece("null", "{'type':'Metaspace','replacement':'_','split':false}", TEXT, ""));
        rejected("splits text by {\"type\":\"Metaspace\"", sentencePiece("null", metaspace("'prepend_scheme':'first'"), TEXT, ""));
        rejected("puts spaces before text by the scheme 'last'", sentencePiece("null", metaspace("'prepend_scheme':'last','split':false"), TEXT, ""));
        rejected("holds a vocabulary of the type 'Unigram'", "{'model':{'type':'Unigram','vocab':[]}}");
        rejected("gives the token '<|end|>' the id 5, and the embedding table has 5 rows", byteLevel("null", split(QWEN_SPLIT)), 5);
    }

    private void rejected(String part, String json) {
        rejected(part, json, 300);
    }

    private void rejected(String part, String json, int size) {
        String message = assertThrows(BitNetException.class, () -> write(json, size)).getMessage();
        assertTrue(message.contains("tokenizer.json " + part), message);
    }

    /** Spaces around a token are kept whatever its flags say, so the flags are named. */
    @Test
    void flagsOfAddedTokensAreNotPassedOver() throws IOException {
        String json = byteLevel("null", split(LLAMA_SPLIT));
        assertEquals("", Warnings.of(() -> write(json, 8)));
        String warned = Warnings.of(() -> write(json.replace("'special':false", "'special':false,'rstrip':true"), 8));
        assertTrue(warned.contains("tokenizer.json wants spaces taken away around 1 of its added tokens, such as '<tool>', or finds "
                + "them only as words (lstrip, rstrip, single_word), which is not done here"), warned);
    }

    /** Merges that write something between or behind the bytes of a word, or are left out at random. */
    @Test
    void otherWaysToMergeAreRefused() {
        for (String part : List.of("'end_of_word_suffix':'</w>'", "'continuing_subword_prefix':'##'", "'dropout':0.1")) {
            String json = byteLevel("null", split(LLAMA_SPLIT)).replace("'type':'BPE',", "'type':'BPE'," + part + ",");
            String message = assertThrows(BitNetException.class, () -> write(json, 8)).getMessage();
            assertTrue(message.contains("merges with the " + part.substring(1, part.indexOf('\'', 1))), message);
        }
        for (String nothing : List.of("'end_of_word_suffix':''", "'continuing_subword_prefix':null", "'dropout':0.0")) {
            assertDoesNotThrow(() -> write(byteLevel("null", split(LLAMA_SPLIT)).replace("'type':'BPE',", "'type':'BPE'," + nothing + ","), 8));
        }
    }

    /** Processors that name the tokens around a text by themselves, alone or in a sequence. */
    @Test
    void olderProcessorsPutTokensAroundATextToo() throws IOException {
        String json = byteLevel("null", split(LLAMA_SPLIT));
        String roberta = "{'type':'RobertaProcessing','sep':['<tool>',6],'cls':['<|end|>',5],'trim_offsets':true}";
        for (String processor : List.of(roberta, "{'type':'Sequence','processors':[{'type':'ByteLevel'}," + roberta + "]}")) {
            String whole = json.replace("'post_processor':null", "'post_processor':" + processor);
            assertTrue(tokenizer(whole, 8).addBos() && tokenizer(whole, 8).addEos(), processor);
            TokenizerJson read = new TokenizerJson(new ObjectMapper().readTree(whole.replace('\'', '"').replace('`', '\'')), folder);
            assertEquals(OptionalInt.of(5), read.bos());
            assertEquals(OptionalInt.of(6), read.eos());
        }
        String message = assertThrows(BitNetException.class,
                () -> write(json.replace("'post_processor':null", "'post_processor':{'type':'Other'}"), 8)).getMessage();
        assertTrue(message.contains("puts tokens around a text by {\"type\":\"Other\"}"), message);
    }
}
