package io.github.bitnet4j.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.ModelOptions;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.huggingface.CheckpointFolder.Form;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.ReferenceModel;
import io.github.bitnet4j.synth.Synth;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A tiny checkpoint in the layout of every published release, converted and run. What is expected is computed from the
 * checkpoint, by its own mathematics: rows as they are, RoPE on halves of heads.
 */
class PublishedLayoutsTest {
    /** As in AgreementTest. */
    private static final double ROUNDING = 2e-5;
    private static final int POSITIONS = 16;

    @TempDir
    private Path folder;

    private enum Family {
        B2_4T("bitnet-b1.58", b -> b.layers(1), config -> {}, Form.PACKED_MULTIPLIED, Form.MASTER),
        LARGE("bitnet", b -> b.hidden(192).ffn(256).heads(2, 2, 96).ropeTheta(10_000), config -> config.remove("quantization_config"),
                Form.MASTER),
        B3("bitnet", b -> b.hidden(800).ffn(288).heads(8, 8, 100).layers(1).ropeTheta(10_000),
                config -> config.remove("quantization_config"), Form.MASTER),
        LLAMA3_8B("llama", b -> b.hidden(128).ffn(448).heads(4, 1, 32).tied(false), config -> {}, Form.PACKED_DIVIDED),
        FALCON3("llama", b -> b.hidden(256).ffn(256).heads(3, 1, 256).ropeTheta(1_000_042).eps(1e-6f).tied(false), config -> {},
                Form.PACKED_DIVIDED),
        /** Its main release does not name the class of its linears. */
        FALCON_E("llama", b -> b.layers(1).ropeTheta(1_000_042).tied(false),
                config -> ((ObjectNode) config.get("quantization_config")).remove("linear_class"), Form.PACKED_DIVIDED, Form.MASTER),
        /** Its release in bfloat16 does not say that it is ternary. */
        FALCON_E_BFLOAT16("llama", b -> b.layers(1).tied(false), config -> config.remove("quantization_config"), Form.MULTIPLIED_OUT),
        LONG_CONTEXT("llama", b -> b.layers(1).tied(false), config -> config.putObject("rope_scaling").put("rope_type", "llama3")
                .put("factor", 8.0).put("low_freq_factor", 1.0).put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 256), Form.PACKED_DIVIDED);

        /** Of models in which, as in AgreementTest, no quantised value lies within float error of a half. */
        private static final int SEED = 20;

        private final SynthSpec spec;
        private final Consumer<ObjectNode> change;
        private final List<Form> forms;

        Family(String architecture, UnaryOperator<SynthSpec.Builder> shape, Consumer<ObjectNode> change, Form... forms) {
            this.spec = shape.apply(SynthSpec.builder().architecture(architecture).name(name()).seed(SEED + ordinal())).build();
            this.change = change;
            this.forms = List.of(forms);
        }
    }

    static List<Arguments> releases() {
        return Arrays.stream(Family.values()).flatMap(family -> family.forms.stream().map(form -> Arguments.of(family, form)))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("releases")
    void runs(Family family, Form form) throws IOException {
        Path plain = folder.resolve("plain.gguf");
        Path source = folder.resolve("checkpoint");
        Synth.write(family.spec, plain);
        CheckpointFolder checkpoint;
        try (GgufFile file = GgufFile.open(plain)) {
            checkpoint = new CheckpointFolder(file, form);
        }
        family.change.accept(checkpoint.config);
        checkpoint.write(source, 2);
        Path converted = new CheckpointCache(folder.resolve("cache")).gguf(source, (written, total) -> {});
        int[] ids = new Random(family.ordinal()).ints(POSITIONS, 0, family.spec.vocab()).toArray();
        ReferenceModel.Sequence reference = new ReferenceModel(checkpoint, false).new Sequence();
        try (BitNetModel model = BitNetModel.open(converted, ModelOptions.DEFAULT.withKvPrecision(KvPrecision.F32));
             Session session = model.newSession()) {
            session.evaluate(ids, 0, (position, logits) -> {
                double[] expected = reference.next(ids[position]);
                for (int id = 0; id < expected.length; id++) {
                    assertEquals(expected[id], logits[id], ROUNDING, "position " + position + ", id " + id);
                }
            });
        }
    }
}
