package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Pooling;
import io.github.bitnet4j.convert.GgufConverter;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.huggingface.CheckpointFolder.Form;
import io.github.bitnet4j.huggingface.CheckpointFolder.Tensor;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.GgufEdit;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.ReferenceModel;
import io.github.bitnet4j.model.TernaryTensor;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Checkpoints of the models for embeddings, whose linears have a norm each and are quantised whenever the model runs. What is
 * expected is computed from the checkpoint.
 */
class EmbeddingCheckpointTest {
    /** As in AgreementTest, of a state; what of it a vector of length 1 shows is less. */
    private static final double ROUNDING = 2e-5;
    private static final int WINDOW = 7;

    @TempDir
    private Path folder;

    private enum Family {
        /** As BitNet-embedding-0.6B: heads together wider than the hidden state. */
        QWEN3("qwen3", b -> b.heads(4, 2, 128).ropeTheta(1_000_000).eps(1e-6f), edit -> {}),
        /** As BitNet-embedding-270M. */
        GEMMA3("gemma3", b -> b.heads(4, 1, 256).ropeTheta(10_000).eps(1e-6f), edit -> {}),
        /** As Gemma 3 itself: some layers see a window, with a base of their own. */
        GEMMA3_WINDOW("gemma3", b -> b.layers(3).heads(4, 1, 64).ropeTheta(1_000_000).eps(1e-6f),
                edit -> edit.u32("gemma3.attention.sliding_window", WINDOW));

        /** Of models in which, as in AgreementTest, no quantised value lies within float error of a half. */
        private static final int SEED = 40;

        private final SynthSpec spec;
        private final Consumer<GgufEdit> edit;

        Family(String architecture, UnaryOperator<SynthSpec.Builder> shape, Consumer<GgufEdit> edit) {
            this.spec = shape.apply(SynthSpec.builder().architecture(architecture).name(name()).seed(SEED + ordinal())).build();
            this.edit = edit;
        }

        int[] ids(int count) {
            return new Random(ordinal()).ints(count, 0, spec.vocab()).toArray();
        }
    }

    private CheckpointFolder checkpoint(Family family, Form form) throws IOException {
        Path plain = folder.resolve(family + "-plain.gguf");
        Synth.write(family.spec, plain);
        GgufEdit edit = new GgufEdit();
        family.edit.accept(edit);
        try (GgufFile file = GgufFile.open(edit.write(plain, folder.resolve(family + ".gguf")))) {
            return new CheckpointFolder(file, form);
        }
    }

    private Path written(CheckpointFolder checkpoint, int shards) throws IOException {
        Path source = folder.resolve("checkpoint-" + System.nanoTime());
        checkpoint.write(source, shards);
        return source;
    }

    private Path converted(Path source, TargetFormats target) throws IOException {
        Path file = folder.resolve(source.getFileName() + "-" + System.nanoTime() + ".gguf");
        CheckpointConverter.convert(source, file, target, (done, total) -> {});
        return file;
    }

    private static float[] vector(Path model, KvPrecision precision, Pooling pooling, int[] ids) {
        List<float[]> vectors = new ArrayList<>();
        try (BitNetModel open = BitNetModel.open(model, ModelOptions.DEFAULT.withThreads(2).withKvPrecision(precision))) {
            open.embedder(Optional.of(pooling)).embed(List.of(ids), new Cancellation(), (index, vector) -> vectors.add(vector));
        }
        return vectors.getFirst();
    }

    private static double[] expected(CheckpointFolder checkpoint, Pooling pooling, int[] ids) {
        ReferenceModel.Sequence sequence = new ReferenceModel(checkpoint, false).new Sequence();
        double[] sum = null;
        for (int id : ids) {
            double[] state = sequence.next(id);
            for (int k = 0; sum != null && pooling == Pooling.MEAN && k < state.length; k++) {
                state[k] += sum[k];
            }
            sum = state;
        }
        double squares = 0;
        for (double number : sum) {
            squares += number * number;
        }
        for (int k = 0; k < sum.length; k++) {
            sum[k] /= Math.sqrt(squares);
        }
        return sum;
    }

    private static void assertVector(CheckpointFolder checkpoint, Path model, int[] ids) {
        for (Pooling pooling : Pooling.values()) {
            double[] expected = expected(checkpoint, pooling, ids);
            float[] actual = vector(model, KvPrecision.F32, pooling, ids);
            for (int k = 0; k < expected.length; k++) {
                assertEquals(expected[k], actual[k], ROUNDING, pooling + ", number " + k);
            }
        }
    }

    /** Single and in shards; texts longer than the window, where there is one. */
    @ParameterizedTest
    @EnumSource
    void vectorsAreThoseOfTheCheckpoint(Family family) throws IOException {
        CheckpointFolder checkpoint = checkpoint(family, Form.MASTER);
        Path cached = new CheckpointCache(folder.resolve("cache")).gguf(written(checkpoint, 3), (done, total) -> {});
        Path single = converted(written(checkpoint, 1), TargetFormats.PLAIN);
        int[] ids = family.ids(3 * WINDOW);
        assertVector(checkpoint, cached, ids);
        assertArrayEquals(vector(cached, KvPrecision.F16, Pooling.LAST, ids), vector(single, KvPrecision.F16, Pooling.LAST, ids));
    }

    /** Every format holds the same codes and scales, so vectors are the same to the bit. */
    @ParameterizedTest
    @EnumSource
    void everyFormat(Family family) throws IOException {
        Path source = written(checkpoint(family, Form.MASTER), 2);
        Path plain = converted(source, TargetFormats.PLAIN);
        int[] ids = family.ids(20);
        float[] vector = vector(plain, KvPrecision.F16, Pooling.LAST, ids);
        for (GgmlType type : TernaryTensor.PUBLISHED) {
            Path typed = converted(source, TargetFormats.of(type));
            Path back = folder.resolve(type + "-back.gguf");
            try (GgufFile file = GgufFile.open(typed)) {
                assertEquals(type, file.requireTensor("blk.0.ffn_down.weight").type());
                GgufConverter.write(file, back, TargetFormats.PLAIN, I2sOrder.BLOCKS_128, (done, total) -> {});
            }
            assertEquals(-1, Files.mismatch(plain, back), type.toString());
            assertArrayEquals(vector, vector(typed, KvPrecision.F16, Pooling.LAST, ids), type.toString());
        }
    }

    /** The model's linears quantise whatever they hold, so the scale is the mean of magnitudes even of three values. */
    @Test
    void weightsOfThreeValuesAreQuantisedLikeAnyOthers() throws IOException {
        CheckpointFolder checkpoint = checkpoint(Family.QWEN3, Form.MULTIPLIED_OUT);
        assertVector(checkpoint, converted(written(checkpoint, 1), TargetFormats.PLAIN), Family.QWEN3.ids(12));
    }

    /** Newer files describe the rotation by kind of layer, older ones name a period; both are the same model. */
    @Test
    void everySpellingOfTheWindow() throws IOException {
        CheckpointFolder checkpoint = checkpoint(Family.GEMMA3_WINDOW, Form.MASTER);
        int[] ids = Family.GEMMA3_WINDOW.ids(30);
        float[] vector = vector(converted(written(checkpoint, 1), TargetFormats.PLAIN), KvPrecision.F16, Pooling.LAST, ids);
        ObjectNode rope = checkpoint.config.putObject("rope_parameters");
        rope.putObject("full_attention").put("rope_type", "default").set("rope_theta", checkpoint.config.remove("rope_theta"));
        rope.putObject("sliding_attention").put("rope_type", "default")
                .set("rope_theta", checkpoint.config.remove("rope_local_base_freq"));
        assertArrayEquals(vector, vector(converted(written(checkpoint, 1), TargetFormats.PLAIN), KvPrecision.F16, Pooling.LAST, ids));
        checkpoint.config.set("layer_types", checkpoint.config.arrayNode().add("sliding_attention").add("full_attention")
                .add("sliding_attention"));
        vector = vector(converted(written(checkpoint, 1), TargetFormats.PLAIN), KvPrecision.F16, Pooling.LAST, ids);
        for (String pattern : new String[] {"sliding_window_pattern", "_sliding_window_pattern"}) {
            checkpoint.config.remove("layer_types");
            checkpoint.config.put(pattern, 2);
            assertArrayEquals(vector, vector(converted(written(checkpoint, 1), TargetFormats.PLAIN), KvPrecision.F16, Pooling.LAST,
                    ids), pattern);
            checkpoint.config.remove(pattern);
        }
    }

    /** What the tokenizer puts behind a text, and not what ends a turn. */
    @Test
    void aTextEndsWithTheTokenOfTheTemplate() throws IOException {
        CheckpointFolder checkpoint = checkpoint(Family.QWEN3, Form.MASTER);
        try (BitNetModel model = BitNetModel.open(converted(written(checkpoint, 1), TargetFormats.PLAIN));
             BitNetModel original = BitNetModel.open(folder.resolve("QWEN3.gguf"))) {
            assertArrayEquals(original.encodeWhole("the end"), model.encodeWhole("the end"));
        }
        ObjectNode template = (ObjectNode) checkpoint.tokenizer.get("post_processor").get("processors").get(1);
        ((ArrayNode) template.get("single")).remove(2);
        try (BitNetModel model = BitNetModel.open(converted(written(checkpoint, 1), TargetFormats.PLAIN))) {
            assertArrayEquals(model.encode("the end"), model.encodeWhole("the end"));
            assertEquals(7, model.tokenizer().eos().getAsInt());
        }
    }

    /** Gemma's vocabulary has a token for images, one more than models of texts have rows. */
    @Test
    void aTokenWithoutARowIsLeftOut() throws IOException {
        CheckpointFolder checkpoint = checkpoint(Family.GEMMA3, Form.MASTER);
        ((ArrayNode) checkpoint.tokenizer.get("added_tokens")).addObject().put("id", Family.GEMMA3.spec.vocab())
                .put("content", "<image_soft_token>").put("special", true);
        try (BitNetModel model = BitNetModel.open(converted(written(checkpoint, 1), TargetFormats.PLAIN))) {
            assertEquals(Family.GEMMA3.spec.vocab(), model.info().vocabulary());
        }
    }

    private Pooling pooling(String modules, String pooling) throws IOException {
        Path source = written(checkpoint(Family.QWEN3, Form.MASTER), 1);
        if (!modules.isEmpty()) {
            Files.writeString(source.resolve("modules.json"), modules);
            Files.createDirectory(source.resolve("1_Pooling"));
            Files.writeString(source.resolve("1_Pooling/config.json"), pooling);
        }
        try (BitNetModel model = BitNetModel.open(converted(source, TargetFormats.PLAIN))) {
            return model.embedder(Optional.empty()).pooling();
        }
    }

    @Test
    void theFolderNamesThePooling() throws IOException {
        String module = "{\"path\": \"%s\", \"type\": \"sentence_transformers.models.%s\"}";
        String modules = "[" + module.formatted("", "Transformer") + "," + module.formatted("1_Pooling", "Pooling") + ","
                + module.formatted("2_Normalize", "Normalize") + "]";
        assertEquals(Pooling.LAST, pooling("", ""));
        assertEquals(Pooling.LAST, pooling(modules, "{\"pooling_mode_mean_tokens\": false, \"pooling_mode_lasttoken\": true}"));
        assertEquals(Pooling.MEAN, pooling(modules, "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_lasttoken\": false}"));
        assertEquals(Pooling.LAST, pooling(modules, "{\"embedding_dimension\": 256, \"pooling_mode\": \"lasttoken\"}"));
        assertEquals(Pooling.MEAN, pooling(modules, "{\"pooling_mode\": \"mean\"}"));
        for (String other : new String[] {"{\"pooling_mode_cls_token\": true}", "{}", "{\"pooling_mode\": \"max\"}",
            "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_lasttoken\": true}"}) {
            String message = assertThrows(BitNetException.class, () -> pooling(modules, other)).getMessage();
            assertTrue(message.contains("1_Pooling/config.json pools by ["), message);
        }
        String dense = "[" + module.formatted("2_Dense", "Dense") + "]";
        String message = assertThrows(BitNetException.class, () -> pooling(dense, "{}")).getMessage();
        assertTrue(message.contains("modules.json lists a module of type 'sentence_transformers.models.Dense', which cannot"), message);
    }

    private int mostTokens(String modules, String transformer, String tokenizer) throws IOException {
        Path source = written(checkpoint(Family.QWEN3, Form.MASTER), 1);
        String[][] files = {{"modules.json", modules}, {"sentence_bert_config.json", transformer}, {"tokenizer_config.json", tokenizer}};
        for (String[] file : files) {
            if (!file[1].isEmpty()) {
                Files.writeString(source.resolve(file[0]), file[1]);
            }
        }
        try (BitNetModel model = BitNetModel.open(converted(source, TargetFormats.PLAIN))) {
            return model.embedder(Optional.empty()).mostTokens();
        }
    }

    @Test
    void theFolderSaysWhereTextsAreCut() throws IOException {
        assertEquals(256, mostTokens("[]", "{\"max_seq_length\": 256}", "{\"model_max_length\": 64}"));
        assertEquals(64, mostTokens("[]", "{\"max_seq_length\": null}", "{\"model_max_length\": 64}"));
        assertEquals(64, mostTokens("[]", "", "{\"model_max_length\": 64}"));
        assertEquals(512, mostTokens("[]", "", "{\"model_max_length\": 1000000000000000019884624838656}"), "positions of the model");
        assertEquals(512, mostTokens("[]", "", "{\"model_max_length\": 513}"));
        assertEquals(512, mostTokens("[]", "", ""));
        assertEquals(Integer.MAX_VALUE, mostTokens("", "{\"max_seq_length\": 512}", "{\"model_max_length\": 64}"));
        for (String wrong : new String[] {"0", "\"512\"", "1e30", "-1"}) {
            String message = assertThrows(BitNetException.class,
                    () -> mostTokens("[]", "{\"max_seq_length\": " + wrong + "}", "")).getMessage();
            assertTrue(message.contains("sentence_bert_config.json: max_seq_length is "), message);
        }
    }

    /** The folder is converted again when the file that names its pooling has changed. */
    @Test
    void aChangedPoolingIsNoticed() throws IOException {
        Path source = written(checkpoint(Family.QWEN3, Form.MASTER), 1);
        CheckpointCache cache = new CheckpointCache(folder.resolve("cache"));
        Files.writeString(source.resolve("modules.json"), "[{\"path\": \"1_Pooling\", \"type\": \"x.Pooling\"}]");
        Files.createDirectory(source.resolve("1_Pooling"));
        Files.writeString(source.resolve("1_Pooling/config.json"), "{\"pooling_mode\": \"mean\"}");
        Path mean = cache.gguf(source, (done, total) -> {});
        Files.writeString(source.resolve("1_Pooling/config.json"), "{\"pooling_mode\": \"lasttoken\"}");
        Path last = cache.gguf(source, (done, total) -> {});
        try (BitNetModel one = BitNetModel.open(mean); BitNetModel other = BitNetModel.open(last)) {
            assertEquals(Pooling.MEAN, one.embedder(Optional.empty()).pooling());
            assertEquals(Pooling.LAST, other.embedder(Optional.empty()).pooling());
        }
    }

    private void refuses(String message, Family family, Consumer<CheckpointFolder> change) throws IOException {
        CheckpointFolder checkpoint = checkpoint(family, Form.MASTER);
        change.accept(checkpoint);
        Path source = written(checkpoint, 1);
        BitNetException e = assertThrows(BitNetException.class, () -> converted(source, TargetFormats.PLAIN));
        assertTrue(e.getMessage().contains(message), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
    }

    @Test
    void whatCannotRunIsNamed() throws IOException {
        refuses("tensor layers.1.self_attn.q_proj.norm.weight is missing", Family.QWEN3,
                c -> c.tensors.remove("layers.1.self_attn.q_proj.norm.weight"));
        refuses("tensor layers.0.self_attn.o_proj.norm.weight is missing", Family.QWEN3,
                c -> c.tensors.remove("layers.0.self_attn.o_proj.norm.weight"));
        refuses("tensor layers.0.pre_feedforward_layernorm.weight is missing", Family.GEMMA3,
                c -> c.tensors.remove("layers.0.pre_feedforward_layernorm.weight"));
        refuses("layers.0.self_attn.k_norm.weight has shape [256]; config.json asks for [128]", Family.QWEN3,
                c -> c.tensors.put("layers.0.self_attn.k_norm.weight", new Tensor("F32", new long[] {256}, new byte[1024])));
        refuses("layers.0.mlp.down_proj.weight has shape [512, 256]; config.json asks for [256, 512]", Family.QWEN3,
                c -> c.tensors.put("layers.0.mlp.down_proj.weight", new Tensor("BF16", new long[] {512, 256}, new byte[1 << 18])));
        for (String key : new String[] {"head_dim", "rms_norm_eps", "rope_theta", "num_key_value_heads"}) {
            refuses(key + " is missing", Family.QWEN3, c -> c.config.remove(key));
        }
        for (String key : new String[] {"layer_types", "query_pre_attn_scalar", "sliding_window", "rope_local_base_freq"}) {
            refuses(key + " is missing", Family.GEMMA3_WINDOW, c -> c.config.remove(key));
        }
        refuses("use_sliding_window is true; such attention cannot run here", Family.QWEN3,
                c -> c.config.put("use_sliding_window", true));
        refuses("layer_types names sliding_attention, which can run here in models of type gemma3_text only", Family.QWEN3,
                c -> c.config.putArray("layer_types").add("full_attention").add("sliding_attention"));
        refuses("use_bidirectional_attention is true; such attention cannot run here", Family.GEMMA3,
                c -> c.config.put("use_bidirectional_attention", true));
        refuses("attn_logit_softcapping is 50.0; scores are not capped here", Family.GEMMA3,
                c -> c.config.put("attn_logit_softcapping", 50.0));
        refuses("query_pre_attn_scalar is 168; scores can be divided by the root of head_dim, which is 256, only", Family.GEMMA3,
                c -> c.config.put("query_pre_attn_scalar", 168));
        refuses("layer_types has 1 entries for 2 layers", Family.GEMMA3,
                c -> ((ArrayNode) c.config.get("layer_types")).remove(0));
        refuses("layer_types names \"chunked_attention\"; known are", Family.GEMMA3,
                c -> ((ArrayNode) c.config.get("layer_types")).set(0, "chunked_attention"));
        refuses("model_type 'gemma3_text' with hidden_act 'gelu' is not one that can run", Family.GEMMA3,
                c -> c.config.put("hidden_activation", "gelu"));
        refuses("rope_parameters of sliding_attention have the type \"linear\"; only default can run here", Family.GEMMA3_WINDOW,
                c -> {
                    ObjectNode rope = c.config.putObject("rope_parameters");
                    rope.putObject("full_attention").put("rope_theta", 1e6);
                    rope.putObject("sliding_attention").put("rope_theta", 1e4).put("rope_type", "linear").put("factor", 8);
                });
    }
}
