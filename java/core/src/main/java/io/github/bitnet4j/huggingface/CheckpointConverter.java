package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.convert.ModelWriter;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.I2sRows;
import io.github.bitnet4j.model.Architecture;
import io.github.bitnet4j.model.Architecture.Norm;
import io.github.bitnet4j.model.Architecture.RopeStyle;
import io.github.bitnet4j.model.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Writes a checkpoint as a GGUF file: linears in the format of the {@link TargetFormats}, the embedding table (and a head of its own,
 * unless the target names a type) as F16, norms as F32. Tensors are converted while they are written.
 *
 * <p>Sources: names and permutation of llama.cpp's converter; layouts and scales as published with
 * microsoft/bitnet-b1.58-2B-4T and in transformers' BitNet integration.
 */
public final class CheckpointConverter {
    /** A linear layer: its name in the checkpoint and in the GGUF file. */
    private enum Linear {
        QUERY("self_attn.q_proj", "attn_q"), KEY("self_attn.k_proj", "attn_k"), VALUE("self_attn.v_proj", "attn_v"),
        OUTPUT("self_attn.o_proj", "attn_output"), GATE("mlp.gate_proj", "ffn_gate"), UP("mlp.up_proj", "ffn_up"),
        DOWN("mlp.down_proj", "ffn_down");

        private final String theirs;
        private final String ours;

        Linear(String theirs, String ours) {
            this.theirs = theirs;
            this.ours = ours;
        }
    }

    /** Keys of generation_config.json, and what GGUF calls them. */
    private static final SortedMap<String, String> SAMPLING = new TreeMap<>(Map.of("temperature", "temp", "top_p", "top_p",
            "min_p", "min_p", "repetition_penalty", "penalty_repeat"));

    private final Checkpoint checkpoint;
    private final CheckpointConfig config;
    private final ModelWriter model;
    private final GgufWriter writer;
    /** What tensors' names begin with: nothing where a model was saved without a head. */
    private final String root;

    private CheckpointConverter(Checkpoint checkpoint, TargetFormats target) {
        this.checkpoint = checkpoint;
        model = new ModelWriter(checkpoint.folder(), target);
        writer = model.metadata();
        root = checkpoint.tensor("embed_tokens.weight").isPresent() ? "" : "model.";
        this.config = CheckpointConfig.read(checkpoint.requireJson("config.json"), checkpoint.folder().resolve("config.json"));
    }

    /** Whether {@code folder} holds a checkpoint, complete or not. */
    public static boolean isCheckpoint(Path folder) {
        return Files.isRegularFile(folder.resolve("config.json"));
    }

    /**
     * Converts a folder. The file appears when it is complete.
     *
     * @param progress told the bytes written and the bytes in all
     * @throws BitNetException if the checkpoint is damaged, incomplete, or of a kind that cannot run here
     * @throws IOException     if the file cannot be written
     */
    public static void convert(Path folder, Path file, TargetFormats target, GgufWriter.Progress progress) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            CheckpointConverter converter = new CheckpointConverter(checkpoint, target);
            converter.addMetadata();
            converter.addTensors();
            converter.model.write(file, progress);
        }
    }

    private void addMetadata() {
        String prefix = config.architecture().id() + ".";
        writer.string("general.architecture", config.architecture().id())
                .string("general.name", checkpoint.folder().toAbsolutePath().normalize().getFileName().toString())
                .u32(prefix + "vocab_size", config.vocabulary())
                .u32(prefix + "context_length", config.contextLength())
                .u32(prefix + "embedding_length", config.hidden())
                .u32(prefix + "block_count", config.layers())
                .u32(prefix + "feed_forward_length", config.feedForward())
                .u32(prefix + "rope.dimension_count", config.headDim())
                .f32(prefix + "rope.freq_base", (float) config.ropeTheta())
                .u32(prefix + "attention.head_count", config.heads())
                .u32(prefix + "attention.head_count_kv", config.kvHeads())
                .u32(prefix + "attention.key_length", config.headDim())
                .u32(prefix + "attention.value_length", config.headDim())
                .f32(prefix + "attention.layer_norm_rms_epsilon", (float) config.epsilon());
        config.ropeScaling().ifPresent(scaling -> scaling.addTo(writer, prefix, config.ropeTheta(), config.headDim()));
        config.window().ifPresent(window -> writer.u32(prefix + "attention.sliding_window", window.positions())
                .bools(prefix + "attention.sliding_window_pattern", window.layers())
                .f32(prefix + "rope.freq_base_swa", (float) window.ropeTheta()));
        SentenceModules sentences = new SentenceModules(checkpoint);
        sentences.poolingType().ifPresent(type -> writer.u32(prefix + "pooling_type", type));
        sentences.mostTokens().ifPresent(tokens -> writer.u32(ModelConfig.MOST_TOKENS_KEY, tokens));
        CheckpointVocabulary tokenizer = CheckpointVocabulary.of(checkpoint);
        tokenizer.addTo(writer, config.vocabulary());
        addSpecialIds(tokenizer);
        addSampling();
    }

    /**
     * Those that the tokenizer puts around a text; otherwise those of the configuration. generation_config.json may name several
     * ids that end a text: the first ends the text, the second a turn; all are listed.
     */
    private void addSpecialIds(CheckpointVocabulary tokenizer) {
        JsonNode model = checkpoint.requireJson("config.json");
        JsonNode generation = checkpoint.json("generation_config.json").orElse(model);
        JsonNode end = generation.has("eos_token_id") ? generation.path("eos_token_id") : model.path("eos_token_id");
        String prefix = "tokenizer.ggml.";
        addId(prefix + "bos_token_id", tokenizer.bos(), model.path("bos_token_id"));
        addId(prefix + "eos_token_id", tokenizer.eos(), end.isArray() ? end.path(0) : end);
        addId(prefix + "eot_token_id", OptionalInt.empty(), end.path(1));
        if (end.isArray()) {
            writer.ints(prefix + "eos_token_ids", IntStream.range(0, end.size()).map(i -> end.path(i).asInt()).toArray());
        }
        template().ifPresent(template -> writer.string("tokenizer.chat_template", template));
    }

    private void addId(String key, OptionalInt ofTemplate, JsonNode configured) {
        if (ofTemplate.isPresent() || configured.isIntegralNumber()) {
            writer.u32(key, ofTemplate.isPresent() ? ofTemplate.getAsInt() : configured.asLong());
        }
    }

    private Optional<String> template() {
        Path file = checkpoint.folder().resolve("chat_template.jinja");
        try {
            return Files.isRegularFile(file) ? Optional.of(Files.readString(file))
                    : checkpoint.json("tokenizer_config.json").flatMap(json -> template(json.path("chat_template")));
        } catch (IOException e) {
            throw new BitNetException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** One template, or a list of them by name, of which chats take "default". */
    private static Optional<String> template(JsonNode node) {
        return node.isArray()
                ? node.valueStream().filter(named -> named.path("name").asText().equals("default")).findFirst()
                        .flatMap(named -> template(named.path("template")))
                : Optional.ofNullable(node.textValue());
    }

    private void addSampling() {
        JsonNode generation = checkpoint.json("generation_config.json").orElse(checkpoint.requireJson("config.json"));
        if (generation.path("do_sample").asBoolean(false)) {
            SAMPLING.forEach((theirs, ours) -> {
                if (generation.path(theirs).isNumber()) {
                    writer.f32("general.sampling." + ours, generation.path(theirs).floatValue());
                }
            });
            if (generation.path("top_k").isIntegralNumber()) {
                writer.value("general.sampling.top_k", new GgufValue.Int(
                        GgufType.I32, generation.path("top_k").asLong()));
            }
        }
    }

    private void addTensors() {
        CheckpointTensor embedding = table(root + "embed_tokens.weight");
        model.embedding(embedding.ggmlType(), config.vocabulary(), config.hidden(), embedding.data(), GgmlType.F16);
        for (int layer = 0; layer < config.layers(); layer++) {
            String theirs = root + "layers." + layer + ".";
            String ours = "blk." + layer + ".";
            for (Norm norm : Norm.values()) {
                config.architecture().tensor(norm).ifPresent(name -> norm(ours + name + ".weight", norm, theirs));
            }
            for (Linear linear : Linear.values()) {
                linear(linear, ours + linear.ours + ".weight", theirs + linear.theirs + ".weight");
            }
        }
        norm("output_norm.weight", config.hidden(), storedOffset(), root + "norm.weight");
        if (config.architecture().hasHead() && !config.tied()) {
            CheckpointTensor head = table("lm_head.weight");
            model.head(head.ggmlType(), config.vocabulary(), config.hidden(), head.data(), GgmlType.F16);
        }
    }

    /** Embeddings or head. */
    private CheckpointTensor table(String theirs) {
        return checkpoint.real(theirs, config.vocabulary(), config.hidden());
    }

    /** A norm of the layer whose tensors' names begin with {@code layer}, under the first of its names that exists. */
    private void norm(String name, Norm norm, String layer) {
        int size = switch (norm) {
            case QUERY_HEAD, KEY_HEAD -> config.headDim();
            case ATTENTION_OUTPUT -> config.heads() * config.headDim();
            case FEED_FORWARD_OUTPUT -> config.feedForward();
            default -> config.hidden();
        };
        List<String> names = NormNames.of(config.architecture(), norm).stream().map(theirs -> layer + theirs + ".weight").toList();
        String found = names.stream().filter(candidate -> checkpoint.tensor(candidate).isPresent()).findFirst()
                .orElse(names.getFirst());
        norm(name, size, NormNames.isOfLinear(config.architecture(), norm) ? 0 : storedOffset(), found);
    }

    /** What weights of norms are stored without: Gemma's norms, but not those that BitNet adds to its linears, multiply by 1 + w. */
    private float storedOffset() {
        return config.architecture() == Architecture.GEMMA3 ? 1 : 0;
    }

    private void norm(String name, int size, float offset, String found) {
        CheckpointTensor tensor = checkpoint.real(found, size);
        model.tensor(name, GgmlType.F32, new long[] {size}, out -> {
            ByteBuffer buffer = ByteBuffer.allocate(size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[size];
            tensor.reals(0, values);
            for (float value : values) {
                if (!Float.isFinite(value)) {
                    throw checkpoint.bad(found, "holds " + value + "; the file is damaged");
                }
                buffer.putFloat(offset + value);
            }
            out.write(buffer.flip());
        });
    }

    private void linear(Linear linear, String name, String theirs) {
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        int rows = switch (linear) {
            case QUERY -> queries;
            case KEY, VALUE -> keys;
            case OUTPUT, DOWN -> config.hidden();
            case GATE, UP -> config.feedForward();
        };
        int cols = linear == Linear.OUTPUT ? queries : linear == Linear.DOWN ? config.feedForward() : config.hidden();
        if (!I2sRows.fits(rows, cols)) {
            throw checkpoint.bad(theirs, "has " + rows + " rows of " + cols + " weights; rows can run that are a multiple of 32");
        }
        boolean rotated = linear == Linear.QUERY || linear == Linear.KEY;
        IntUnaryOperator order = rotated && config.architecture().ropeStyle() == RopeStyle.INTERLEAVED ? this::interleaved : row -> row;
        CheckpointTensor tensor = checkpoint.tensor(theirs).filter(candidate -> candidate.type() == CheckpointTensor.Type.U8)
                .map(packed -> checkpoint.require(theirs, rows / 4, cols))
                .orElseGet(() -> checkpoint.real(theirs, rows, cols));
        TernaryLinear weights = tensor.type() == CheckpointTensor.Type.U8
                ? new TernaryLinear.Packed(tensor, rows, packedScale(theirs + "_scale")) : new TernaryLinear.Master(tensor, cols, config.training());
        model.linear(name, rows, cols, new CheckpointLinear(weights, order, rows, cols));
    }

    /** The row that GGUF files of interleaved RoPE keep as {@code row}: pairs that RoPE turns lie side by side, not half a head apart. */
    private int interleaved(int row) {
        int half = config.headDim() / 2;
        int inHead = row % config.headDim();
        return row - inHead + inHead % 2 * half + inHead / 2;
    }

    private float packedScale(String name) {
        CheckpointTensor tensor = checkpoint.real(name, 1);
        float scale = config.divides() ? 1 / tensor.real() : tensor.real();
        if (!(scale > 0) || Float.isInfinite(scale)) {
            throw checkpoint.bad(name, "is " + tensor.real() + ", which is no scale");
        }
        return scale;
    }
}
