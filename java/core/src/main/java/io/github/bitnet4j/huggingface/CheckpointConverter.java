package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufType;
import io.github.bitnet4j.gguf.GgufValue;
import io.github.bitnet4j.gguf.GgufWriter;
import io.github.bitnet4j.gguf.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Writes a checkpoint as a GGUF file: linears as I2_S, the embedding table (and a head of its own) as F16, norms as F32.
 * Tensors are converted while they are written, so that memory holds a few rows at a time.
 *
 * <p>Sources: names and permutation of llama.cpp's converter; layouts and scales as published with
 * microsoft/bitnet-b1.58-2B-4T and in transformers' BitNet integration.
 */
public final class CheckpointConverter {
    private static final int FILE_TYPE_I2_S = 40;
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int BLOCK = 128;

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
    private final GgufWriter writer = new GgufWriter();

    private CheckpointConverter(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
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
    public static void convert(Path folder, Path target, GgufWriter.Progress progress) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            CheckpointConverter converter = new CheckpointConverter(checkpoint);
            converter.addMetadata();
            converter.addTensors();
            converter.writer.write(target, progress);
        }
    }

    private void addMetadata() {
        String prefix = config.architecture() + ".";
        writer.string("general.architecture", config.architecture())
                .string("general.name", checkpoint.folder().toAbsolutePath().normalize().getFileName().toString())
                .u32("general.file_type", FILE_TYPE_I2_S)
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
        new TokenizerJson(checkpoint.requireJson("tokenizer.json"), checkpoint.folder().resolve("tokenizer.json"))
                .addTo(writer, config.vocabulary());
        addSpecialIds();
        addSampling();
    }

    /** generation_config.json may name several ids that end a text: the first ends the text, the second a turn; all are listed. */
    private void addSpecialIds() {
        JsonNode model = checkpoint.requireJson("config.json");
        JsonNode generation = checkpoint.json("generation_config.json").orElse(model);
        JsonNode end = generation.has("eos_token_id") ? generation.path("eos_token_id") : model.path("eos_token_id");
        String prefix = "tokenizer.ggml.";
        addId(prefix + "bos_token_id", model.path("bos_token_id"));
        addId(prefix + "eos_token_id", end.isArray() ? end.path(0) : end);
        addId(prefix + "eot_token_id", end.path(1));
        if (end.isArray()) {
            writer.ints(prefix + "eos_token_ids", IntStream.range(0, end.size()).map(i -> end.path(i).asInt()).toArray());
        }
        template().ifPresent(template -> writer.string("tokenizer.chat_template", template));
    }

    private void addId(String key, JsonNode id) {
        if (id.isIntegralNumber()) {
            writer.u32(key, id.asLong());
        }
    }

    private Optional<String> template() {
        Path file = checkpoint.folder().resolve("chat_template.jinja");
        try {
            return Files.isRegularFile(file) ? Optional.of(Files.readString(file))
                    : checkpoint.json("tokenizer_config.json").map(json -> json.path("chat_template").asText(null));
        } catch (IOException e) {
            throw new BitNetException("cannot read " + file + ": " + e.getMessage(), e);
        }
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
        table("token_embd.weight", "model.embed_tokens.weight");
        for (int layer = 0; layer < config.layers(); layer++) {
            String theirs = "model.layers." + layer + ".";
            String ours = "blk." + layer + ".";
            norm(ours + "attn_norm.weight", config.hidden(), theirs + "input_layernorm.weight");
            norm(ours + "ffn_norm.weight", config.hidden(), theirs + "post_attention_layernorm.weight");
            if (config.subNorms()) {
                norm(ours + "attn_sub_norm.weight", config.heads() * config.headDim(), theirs + "self_attn.attn_sub_norm.weight",
                        theirs + "self_attn.inner_attn_ln.weight");
                norm(ours + "ffn_sub_norm.weight", config.feedForward(), theirs + "mlp.ffn_sub_norm.weight",
                        theirs + "mlp.ffn_layernorm.weight");
            }
            for (Linear linear : Linear.values()) {
                linear(linear, ours + linear.ours + ".weight", theirs + linear.theirs + ".weight");
            }
        }
        norm("output_norm.weight", config.hidden(), "model.norm.weight");
        if (!config.tied()) {
            table("output.weight", "lm_head.weight");
        }
    }

    /** Embeddings or head. */
    private void table(String name, String theirs) {
        CheckpointTensor tensor = checkpoint.real(theirs, config.vocabulary(), config.hidden());
        writer.tensor(name, GgmlType.F16, new long[] {config.hidden(), config.vocabulary()}, out -> {
            float[] row = new float[config.hidden()];
            ByteBuffer halves = ByteBuffer.allocate(row.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (int id = 0; id < config.vocabulary(); id++) {
                tensor.reals((long) id * row.length, row);
                for (int i = 0; i < row.length; i++) {
                    short half = Float.floatToFloat16(row[i]);
                    if (!Float.isFinite(Float.float16ToFloat(half))) {
                        throw checkpoint.bad(theirs, "holds " + row[i] + " in row " + id + ", which has no place in F16");
                    }
                    halves.putShort(i * Short.BYTES, half);
                }
                out.write(halves.clear());
            }
        });
    }

    /** The first of {@code theirs} that exists. */
    private void norm(String name, int size, String... theirs) {
        String found = List.of(theirs).stream().filter(candidate -> checkpoint.tensor(candidate).isPresent()).findFirst()
                .orElse(theirs[0]);
        CheckpointTensor tensor = checkpoint.real(found, size);
        writer.tensor(name, GgmlType.F32, new long[] {size}, out -> {
            ByteBuffer buffer = ByteBuffer.allocate(size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[size];
            tensor.reals(0, values);
            for (float value : values) {
                if (!Float.isFinite(value)) {
                    throw checkpoint.bad(found, "holds " + value + "; the file is damaged");
                }
                buffer.putFloat(value);
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
        boolean rotated = linear == Linear.QUERY || linear == Linear.KEY;
        IntUnaryOperator order = rotated && config.architecture().equals("llama") ? this::interleaved : row -> row;
        CheckpointTensor tensor = checkpoint.tensor(theirs).filter(candidate -> candidate.type() == CheckpointTensor.Type.U8)
                .map(packed -> checkpoint.require(theirs, rows / 4, cols))
                .orElseGet(() -> checkpoint.real(theirs, rows, cols));
        Optional<TernaryLinear> packed = tensor.type() == CheckpointTensor.Type.U8
                ? Optional.of(new TernaryLinear.Packed(tensor, rows, packedScale(theirs + "_scale"))) : Optional.empty();
        writer.tensor(name, GgmlType.I2_S, new long[] {cols, rows},
                i2s(() -> packed.orElseGet(() -> new TernaryLinear.Master(tensor, cols)), order, rows, cols));
    }

    /** Where llama's GGUF files keep row {@code row}: pairs that RoPE turns lie side by side, not half a head apart. */
    private int interleaved(int row) {
        int half = config.headDim() / 2;
        int inHead = row % config.headDim();
        return row - inHead + inHead % 2 * half + inHead / 2;
    }

    private float packedScale(String name) {
        CheckpointTensor tensor = checkpoint.real(name, 1);
        float scale = config.divides() ? 1 / tensor.real() : tensor.real();
        if (!Float.isFinite(scale) || scale == 0) {
            throw checkpoint.bad(name, "is " + tensor.real() + ", which is no scale");
        }
        return scale;
    }

    private static TensorData i2s(Supplier<TernaryLinear> source, IntUnaryOperator order, int rows, int cols) {
        return out -> {
            TernaryLinear linear = source.get();
            ByteBuffer buffer = ByteBuffer.allocateDirect(Math.max(BUFFER_BYTES, cols / 4));
            byte[] codes = new byte[cols];
            byte[] packed = new byte[cols / 4];
            for (int row = 0; row < rows; row++) {
                linear.codes(order.applyAsInt(row), codes);
                pack(codes, packed);
                if (buffer.remaining() < packed.length) {
                    out.write(buffer.flip());
                    buffer.clear();
                }
                buffer.put(packed);
            }
            out.write(buffer.flip());
            out.write(ByteBuffer.allocate(GgmlType.SCALE_BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, linear.scale()));
        };
    }

    /** A block of 128 codes is 32 bytes, code j of each quarter in byte j, the first quarter in the top two bits. */
    private static void pack(byte[] codes, byte[] packed) {
        for (int block = 0; block < codes.length; block += BLOCK) {
            for (int j = 0; j < BLOCK / 4; j++) {
                packed[block / 4 + j] = (byte) (codes[block + j] << 6 | codes[block + 32 + j] << 4 | codes[block + 64 + j] << 2
                        | codes[block + 96 + j]);
            }
        }
    }
}
