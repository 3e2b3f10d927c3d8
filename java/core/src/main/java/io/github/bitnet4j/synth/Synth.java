package io.github.bitnet4j.synth;

import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.synth.RandomWeights.Edit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Writes random ternary models. They compute at the speed of a trained model of their shape, and their text is noise.
 *
 * <p>Keys, tensor names, types and order are those of the published I2_S file of bitnet-b1.58-2B-4T: 24 pairs, F16
 * embeddings, F32 norms, I2_S products. Models for embeddings have what published ones have: F16 norms, no head, a kind of
 * pooling, and EOS behind a text.
 *
 * <p><b>Scales.</b> A row of K ternary weights, a fraction z of them zero, times inputs of mean square 1 has mean square
 * K (1 - z) scale&sup2;. With scale = 1 / sqrt(K (1 - z)) every product has mean square 1; as each of them reads a
 * normalised input, the residual stream grows as the square root of the number of layers, and attention scores are near
 * a standard normal distribution. Embeddings have deviation 3 / sqrt(hidden), so logits
 * have deviation 3 and the best one leads by a clear margin.
 *
 * <p><b>Gates.</b> Symmetric weights close half of all ReLU&sup2; gates; {@link GateSparsity} makes it another share, of which
 * name and metadata then tell.
 */
public final class Synth {
    private static final double LOGIT_DEVIATION = 3;
    private static final double NORM_DEVIATION = 0.1;
    /** Mean square of {@link RandomWeights#scale} around 1: uniform from 0.9 to 1.1. */
    private static final double SCALE_SQUARE = 1 + 0.01 / 3;
    /** Metadata of a model whose gates were steered: the share that is closed. */
    static final String GATE_SPARSITY_KEY = "bitnet4j.synth.gate_sparsity";
    /** {@code general.file_type} of I2_S files. */
    private static final int FILE_TYPE_I2_S = 40;
    private static final int QUANTIZATION_VERSION = 2;
    /** Of published models for embeddings: the mean. */
    private static final int POOLING_TYPE = 1;
    private static final String CHAT_TEMPLATE = "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
            + "{{ message['role'] | capitalize + ': ' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}";

    private final SynthSpec spec;
    private final RandomWeights random;
    private final Optional<GateSparsity> gates;
    private final GgufWriter writer = new GgufWriter();

    private Synth(SynthSpec spec) {
        this.spec = spec;
        this.random = new RandomWeights(spec.zeros(), spec.seed());
        this.gates = spec.steersGates() ? Optional.of(new GateSparsity(spec.gateSparsity())) : Optional.empty();
    }

    /** Writes the model that {@code spec} describes to {@code target}. */
    public static void write(SynthSpec spec, Path target) throws IOException {
        write(spec, target, (written, total) -> {});
    }

    /**
     * Writes the model that {@code spec} describes to {@code target}. The file appears when it is complete.
     *
     * @param progress told the bytes written and the bytes in all, several hundred times a gigabyte
     * @throws IOException if the file cannot be written, or the disk has not enough room
     */
    public static void write(SynthSpec spec, Path target, GgufWriter.Progress progress) throws IOException {
        Synth synth = new Synth(spec);
        synth.addMetadata();
        synth.addTensors();
        synth.writer.write(target, progress);
    }

    private void addMetadata() {
        String prefix = spec.architecture().id() + ".";
        Vocabulary vocabulary = new Vocabulary(spec.vocab());
        writer.string("general.architecture", spec.architecture().id())
                .string("general.name", spec.name() + (spec.steersGates() ? "-gate-sparsity-" + spec.gateSparsity() : ""))
                .u32(prefix + "vocab_size", spec.vocab())
                .u32(prefix + "context_length", spec.context())
                .u32(prefix + "embedding_length", spec.hidden())
                .u32(prefix + "block_count", spec.layers())
                .u32(prefix + "feed_forward_length", spec.ffn())
                .u32(prefix + "rope.dimension_count", spec.headDim())
                .u32(prefix + "attention.head_count", spec.heads())
                .u32(prefix + "attention.head_count_kv", spec.kvHeads());
        if (spec.heads() * spec.headDim() != spec.hidden() || spec.embeds()) {
            writer.u32(prefix + "attention.key_length", spec.headDim())
                    .u32(prefix + "attention.value_length", spec.headDim());
        }
        writer.bool("tokenizer.ggml.add_bos_token", true)
                .f32(prefix + "attention.layer_norm_rms_epsilon", spec.eps())
                .f32(prefix + "rope.freq_base", spec.ropeTheta())
                .u32("general.file_type", FILE_TYPE_I2_S)
                .string("tokenizer.ggml.model", "gpt2")
                .strings("tokenizer.ggml.tokens", vocabulary.tokens())
                .floats("tokenizer.ggml.scores", new float[spec.vocab()])
                .ints("tokenizer.ggml.token_type", vocabulary.types())
                .strings("tokenizer.ggml.merges", vocabulary.merges())
                .u32("tokenizer.ggml.bos_token_id", vocabulary.beginOfText())
                .u32("tokenizer.ggml.eos_token_id", vocabulary.endOfText())
                .u32("tokenizer.ggml.padding_token_id", vocabulary.endOfText());
        if (spec.embeds()) {
            writer.bool("tokenizer.ggml.add_eos_token", true).u32(prefix + "pooling_type", POOLING_TYPE);
        } else {
            writer.string("tokenizer.chat_template", CHAT_TEMPLATE);
        }
        writer.u32("general.quantization_version", QUANTIZATION_VERSION);
        if (spec.steersGates()) {
            writer.f32(GATE_SPARSITY_KEY, (float) spec.gateSparsity());
        }
    }

    /** Within a layer the order is that of the checkpoint's own names, sorted, as conversion leaves it. */
    private void addTensors() {
        int queries = spec.heads() * spec.headDim();
        int keys = spec.kvHeads() * spec.headDim();
        embedding("token_embd", edit(gate -> gate.embedding(spec.hidden(), embeddingDeviation())));
        for (int layer = 0; layer < spec.layers(); layer++) {
            String prefix = "blk." + layer + ".";
            norm(prefix, Norm.ATTENTION, spec.hidden(), Edit.NONE);
            product(prefix + "ffn_down", spec.ffn(), spec.hidden(), edit(gate -> gate.output(spec.ffn(), spec.hidden())));
            norm(prefix, Norm.FEED_FORWARD_OUTPUT, spec.ffn(), Edit.NONE);
            product(prefix + "ffn_gate", spec.hidden(), spec.ffn(), edit(gate -> gate.gate(spec.hidden())));
            product(prefix + "ffn_up", spec.hidden(), spec.ffn());
            double rms = rmsBeforeFeedForward(layer);
            norm(prefix, Norm.FEED_FORWARD, spec.hidden(), edit(gate ->
                    gate.norm(spec.hidden(), spec.zeros(), NORM_DEVIATION, rms, embeddingDeviation())));
            norm(prefix, Norm.ATTENTION_OUTPUT, queries, Edit.NONE);
            product(prefix + "attn_k", spec.hidden(), keys);
            product(prefix + "attn_output", queries, spec.hidden(), edit(gate -> gate.output(queries, spec.hidden())));
            product(prefix + "attn_q", spec.hidden(), queries);
            product(prefix + "attn_v", spec.hidden(), keys);
            for (Norm norm : List.of(Norm.QUERY, Norm.KEY, Norm.VALUE, Norm.AFTER_ATTENTION, Norm.GATE, Norm.UP,
                    Norm.AFTER_FEED_FORWARD)) {
                norm(prefix, norm, spec.hidden(), Edit.NONE);
            }
            norm(prefix, Norm.QUERY_HEAD, spec.headDim(), Edit.NONE);
            norm(prefix, Norm.KEY_HEAD, spec.headDim(), Edit.NONE);
        }
        norm("output_norm", spec.hidden(), Edit.NONE);
        if (!spec.tied()) {
            embedding("output", Edit.NONE);
        }
    }

    private Edit edit(Function<GateSparsity, Edit> change) {
        return gates.map(change).orElse(Edit.NONE);
    }

    private double embeddingDeviation() {
        return LOGIT_DEVIATION / Math.sqrt(spec.hidden());
    }

    /**
     * Of the residual stream: the embedding, and two outputs a layer, of which the last is still missing. Each is the sum of
     * inputs of mean square 1 + NORM_DEVIATION&sup2; by weights that {@link #product} scales; pinned places get none.
     */
    private double rmsBeforeFeedForward(int layer) {
        double output = SCALE_SQUARE * (1 + NORM_DEVIATION * NORM_DEVIATION) * (spec.hidden() - GateSparsity.PINNED)
                / spec.hidden();
        return Math.sqrt(embeddingDeviation() * embeddingDeviation() + (2 * layer + 1) * output);
    }

    private void embedding(String name, Edit edit) {
        writer.tensor(name + ".weight", GgmlType.F16, new long[] {spec.hidden(), spec.vocab()},
                random.f16((long) spec.hidden() * spec.vocab(), embeddingDeviation(), edit));
    }

    /** A layer's norm, where the architecture has it. */
    private void norm(String layer, Norm norm, int size, Edit edit) {
        spec.architecture().tensor(norm).ifPresent(name -> norm(layer + name, size, edit));
    }

    private void norm(String name, int size, Edit edit) {
        GgmlType type = spec.embeds() ? GgmlType.F16 : GgmlType.F32;
        writer.tensor(name + ".weight", type, new long[] {size}, random.vector(type, size, 1, NORM_DEVIATION, edit));
    }

    private void product(String name, int inputs, int outputs) {
        product(name, inputs, outputs, Edit.NONE);
    }

    private void product(String name, int inputs, int outputs, Edit edit) {
        double nonZero = Math.max(1, inputs * (1 - spec.zeros()));
        writer.tensor(name + ".weight", GgmlType.I2_S, new long[] {inputs, outputs},
                random.i2s((long) inputs * outputs, random.scale(1 / Math.sqrt(nonZero)), edit));
    }
}
