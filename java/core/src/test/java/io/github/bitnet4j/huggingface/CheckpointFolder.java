package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufMetadata;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.ReferenceModel.Gate;
import io.github.bitnet4j.model.ReferenceModel.Head;
import io.github.bitnet4j.model.ReferenceModel.Norms;
import io.github.bitnet4j.model.ReferenceModel;
import io.github.bitnet4j.model.ReferenceModel.Shape;
import io.github.bitnet4j.model.ReferenceModel.Ternary;
import io.github.bitnet4j.model.ReferenceModel.Window;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Writes the model of a GGUF file as a checkpoint, in the layouts that are published, and evaluates nothing but what it
 * wrote. Tests change what they want to damage before {@link #write}.
 */
final class CheckpointFolder implements ReferenceModel.Source {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The releases of a model: packed, as it was trained, and multiplied out again after that. */
    enum Form { PACKED_MULTIPLIED, PACKED_DIVIDED, MASTER, MULTIPLIED_OUT }

    record Tensor(String type, long[] shape, byte[] data) {}

    final ObjectNode config = JSON.createObjectNode();
    final ObjectNode tokenizer = JSON.createObjectNode();
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    /** Trained weights of the master form by GGUF name, row by row, in the order of the checkpoint. */
    final Map<String, float[]> masters = new LinkedHashMap<>();
    private final Form form;
    private final boolean llama;
    private final boolean embeds;
    private final boolean gemma;
    private final int layers;
    private final int headDim;

    CheckpointFolder(GgufFile file, Form form) {
        this.form = form;
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.string("general.architecture").orElseThrow();
        llama = architecture.equals("llama");
        gemma = architecture.equals("gemma3");
        embeds = gemma || architecture.equals("qwen3");
        String[][] keys = {{"hidden_size", "embedding_length"}, {"intermediate_size", "feed_forward_length"},
            {"num_hidden_layers", "block_count"}, {"num_attention_heads", "attention.head_count"},
            {"num_key_value_heads", "attention.head_count_kv"}, {"max_position_embeddings", "context_length"},
            {"vocab_size", "vocab_size"}};
        for (String[] key : keys) {
            config.put(key[0], metadata.integer(architecture + "." + key[1]).orElseThrow());
        }
        layers = config.get("num_hidden_layers").asInt();
        headDim = (int) metadata.integer(architecture + ".attention.key_length")
                .orElse(config.get("hidden_size").asInt() / config.get("num_attention_heads").asInt());
        config.put("head_dim", headDim);
        config.put("rope_theta", metadata.number(architecture + ".rope.freq_base").orElseThrow());
        config.put("rms_norm_eps", metadata.number(architecture + ".attention.layer_norm_rms_epsilon").orElseThrow());
        config.put("tie_word_embeddings", file.tensor("output.weight").isEmpty());
        config.put("model_type", architecture.equals("bitnet-b1.58") ? "bitnet" : "llama");
        config.put("hidden_act", architecture.equals("bitnet-b1.58") ? "relu2" : "silu");
        config.putArray("architectures").add(llama ? "LlamaForCausalLM" : architecture.equals("bitnet") ? "BitnetForCausalLM"
                : "BitNetForCausalLM");
        config.put("bos_token_id", metadata.integer("tokenizer.ggml.bos_token_id").orElseThrow());
        config.put("eos_token_id", metadata.integer("tokenizer.ggml.eos_token_id").orElseThrow());
        if (embeds) {
            configureEmbeddings(metadata, architecture);
        } else {
            ObjectNode quantization = config.putObject("quantization_config");
            quantization.put("quant_method", "bitnet");
            quantization.put("linear_class", form == Form.PACKED_DIVIDED ? "bitlinear" : "autobitlinear");
        }
        addTokenizer(metadata);
        file.tensors().forEach(this::add);
    }

    /** The keys of Qwen3Model and Gemma3TextModel. eos_token_id is what ends a turn, and not what is put behind a text. */
    private void configureEmbeddings(GgufMetadata metadata, String architecture) {
        config.put("model_type", gemma ? "gemma3_text" : "qwen3");
        config.putArray("architectures").add(gemma ? "Gemma3TextModel" : "Qwen3Model");
        config.put("eos_token_id", 7);
        if (!gemma) {
            config.put("use_sliding_window", false).putNull("sliding_window").put("max_window_layers", layers);
            return;
        }
        config.remove("hidden_act");
        config.put("hidden_activation", "gelu_pytorch_tanh").put("query_pre_attn_scalar", headDim).putNull("attn_logit_softcapping")
                .put("use_bidirectional_attention", false);
        int window = (int) metadata.integer(architecture + ".attention.sliding_window").orElse(4096);
        config.put("sliding_window", window).put("rope_local_base_freq", 500.0);
        ArrayNode types = config.putArray("layer_types");
        for (int i = 0; i < layers; i++) {
            types.add(i % 2 == 0 && window < 4096 ? "sliding_attention" : "full_attention");
        }
    }

    private void addTokenizer(GgufMetadata metadata) {
        ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        ArrayNode added = tokenizer.putArray("added_tokens");
        List<String> tokens = metadata.array("tokenizer.ggml.tokens").orElseThrow().strings();
        int[] types = metadata.array("tokenizer.ggml.token_type").orElseThrow().ints();
        for (int id = 0; id < tokens.size(); id++) {
            if (types[id] == 3) {
                added.addObject().put("id", id).put("content", tokens.get(id)).put("special", true);
            } else {
                vocabulary.put(tokens.get(id), id);
            }
        }
        ArrayNode merges = model.putArray("merges");
        metadata.array("tokenizer.ggml.merges").orElseThrow().strings().forEach(merge -> {
            if (form == Form.MASTER) {
                merges.addArray().add(merge.split(" ")[0]).add(merge.split(" ")[1]);
            } else {
                merges.add(merge);
            }
        });
        ArrayNode steps = tokenizer.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        steps.addObject().put("type", "Split").put("behavior", "Isolated").put("invert", false).putObject("pattern")
                .put("Regex", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                        + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
        steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("use_regex", false);
        ArrayNode processors = tokenizer.putObject("post_processor").put("type", "Sequence").putArray("processors");
        processors.addObject().put("type", "ByteLevel");
        ObjectNode template = processors.addObject().put("type", "TemplateProcessing");
        ArrayNode single = template.putArray("single");
        ObjectNode special = template.putObject("special_tokens");
        addSpecial(single, special, tokens, metadata, "bos");
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        addSpecial(single, special, tokens, metadata, "eos");
    }

    private static void addSpecial(ArrayNode single, ObjectNode special, List<String> tokens, GgufMetadata metadata, String which) {
        if (metadata.bool("tokenizer.ggml.add_" + which + "_token").orElse(false)) {
            int id = (int) metadata.integer("tokenizer.ggml." + which + "_token_id").orElseThrow();
            String name = tokens.get(id);
            single.addObject().putObject("SpecialToken").put("id", name).put("type_id", 0);
            special.putObject(name).put("id", name).putArray("ids").add(id);
        }
    }

    /** Tensors of models without a head are named as the model's own, without "model.". */
    private String embeddings(String name) {
        String[][] names = {{"token_embd.", "embed_tokens."}, {"output_norm.", "norm."}, {"blk.", "layers."},
            {"attn_output_norm_in.", "self_attn.o_proj.norm."}, {"_norm_in.", "_proj.norm."}, {"attn_norm.", "input_layernorm."},
            {"post_attention_norm.", "post_attention_layernorm."}, {"post_ffw_norm.", "post_feedforward_layernorm."},
            {"ffn_norm.", gemma ? "pre_feedforward_layernorm." : "post_attention_layernorm."},
            {"attn_output.", "self_attn.o_proj."}, {"attn_q.", "self_attn.q_proj."}, {"attn_k.", "self_attn.k_proj."},
            {"attn_v.", "self_attn.v_proj."}, {"ffn_gate.", "mlp.gate_proj."}, {"ffn_up.", "mlp.up_proj."},
            {"ffn_down.", "mlp.down_proj."}, {"attn_", "self_attn."}, {"ffn_", "mlp."}};
        String theirs = name;
        for (String[] pair : names) {
            theirs = theirs.replace(pair[0], pair[1]);
        }
        return theirs;
    }

    private String theirs(String name) {
        if (embeds) {
            return embeddings(name);
        }
        String[][] names = {{"token_embd.", "model.embed_tokens."}, {"output_norm.", "model.norm."}, {"blk.", "model.layers."},
            {"attn_norm.", "input_layernorm."}, {"ffn_norm.", "post_attention_layernorm."},
            {"attn_sub_norm.", config.get("hidden_act").asText().equals("silu") ? "self_attn.inner_attn_ln." : "self_attn.attn_sub_norm."},
            {"ffn_sub_norm.", config.get("hidden_act").asText().equals("silu") ? "mlp.ffn_layernorm." : "mlp.ffn_sub_norm."},
            {"attn_q.", "self_attn.q_proj."}, {"attn_k.", "self_attn.k_proj."}, {"attn_v.", "self_attn.v_proj."},
            {"attn_output.", "self_attn.o_proj."}, {"ffn_gate.", "mlp.gate_proj."}, {"ffn_up.", "mlp.up_proj."},
            {"ffn_down.", "mlp.down_proj."}};
        String theirs = name.equals("output.weight") ? "lm_head.weight" : name;
        for (String[] pair : names) {
            theirs = theirs.replace(pair[0], pair[1]);
        }
        return theirs;
    }

    private void add(GgufTensor tensor) {
        int cols = (int) tensor.cols();
        int rows = (int) tensor.rows();
        String name = theirs(tensor.name());
        if (tensor.type() == GgmlType.I2_S) {
            linear(tensor, rows, cols);
        } else if (tensor.dims().length == 2) {
            reals(name, new long[] {rows, cols}, rows * cols, i -> real(tensor, i));
        } else {
            reals(name, new long[] {cols}, cols, i -> real(tensor, i) - (addsOne(tensor.name()) ? 1 : 0));
        }
    }

    private static float real(GgufTensor tensor, int i) {
        return tensor.type() == GgmlType.F32 ? tensor.data().getAtIndex(ValueLayout.JAVA_FLOAT, i)
                : Float.float16ToFloat(tensor.data().getAtIndex(ValueLayout.JAVA_SHORT, i));
    }

    /** Gemma's own norms multiply by 1 + w. */
    private boolean addsOne(String norm) {
        return gemma && norm.contains("_norm.");
    }

    private interface Reals {
        float at(int i);
    }

    /** F32 tensors, so that nothing is lost on the way; of models for embeddings, whose numbers are compared with nothing, BF16. */
    private void reals(String name, long[] shape, int count, Reals values) {
        if (embeds) {
            ByteBuffer data = ByteBuffer.allocate(count * 2).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                data.putShort((short) (Float.floatToIntBits(values.at(i)) >>> 16));
            }
            tensors.put(name, new Tensor("BF16", shape, data.array()));
            return;
        }
        ByteBuffer data = ByteBuffer.allocate(count * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            data.putFloat(values.at(i));
        }
        tensors.put(name, new Tensor("F32", shape, data.array()));
    }

    private void linear(GgufTensor tensor, int rows, int cols) {
        String name = theirs(tensor.name());
        if (form == Form.MASTER) {
            float[] weights = new float[rows * cols];
            Random random = new Random(tensor.name().hashCode());
            ByteBuffer data = ByteBuffer.allocate(2 * weights.length).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < weights.length; i++) {
                int bits = Float.floatToIntBits((float) (random.nextGaussian() * 0.02)) >>> 16;
                data.putShort((short) bits);
                weights[i] = Float.intBitsToFloat(bits << 16);
            }
            masters.put(tensor.name(), weights);
            tensors.put(name, new Tensor("BF16", new long[] {rows, cols}, data.array()));
            return;
        }
        float scale = tensor.data().get(ValueLayout.JAVA_FLOAT, (long) rows * cols / 4);
        if (form == Form.MULTIPLIED_OUT) {
            ByteBuffer data = ByteBuffer.allocate(2 * rows * cols).order(ByteOrder.LITTLE_ENDIAN);
            for (int row = 0; row < rows; row++) {
                for (int k = 0; k < cols; k++) {
                    float weight = (code(tensor, ours(tensor.name(), row), k) - 1) * scale;
                    data.putShort((short) (Float.floatToIntBits(weight) >>> 16));
                }
            }
            tensors.put(name, new Tensor("BF16", new long[] {rows, cols}, data.array()));
            return;
        }
        byte[] packed = new byte[rows / 4 * cols];
        for (int row = 0; row < rows; row++) {
            for (int k = 0; k < cols; k++) {
                packed[row % (rows / 4) * cols + k] |= (byte) (code(tensor, ours(tensor.name(), row), k) << 2 * (row / (rows / 4)));
            }
        }
        tensors.put(name, new Tensor("U8", new long[] {rows / 4, cols}, packed));
        reals(name + "_scale", new long[] {1}, 1, i -> form == Form.PACKED_DIVIDED ? 1 / scale : scale);
    }

    /** The code of I2_S weight (row, k), from the specification. */
    static int code(GgufTensor tensor, int row, int k) {
        long element = row * tensor.cols() + k;
        int shift = (int) (6 - 2 * (element % 128 / 32));
        return tensor.data().get(ValueLayout.JAVA_BYTE, element / 128 * 32 + element % 32) >> shift & 3;
    }

    /** The GGUF row of a checkpoint's row: llama files put element i of a head's first half at 2 i, of its second at 2 i + 1. */
    int ours(String name, int row) {
        if (!llama || !name.contains("attn_q.") && !name.contains("attn_k.")) {
            return row;
        }
        int i = row % headDim;
        return row - i + (i < headDim / 2 ? 2 * i : 2 * (i - headDim / 2) + 1);
    }

    // ---- the mathematics of the checkpoint itself: rows as they are, RoPE on halves ----

    @Override
    public Shape shape() {
        double theta = config.get("rope_theta").asDouble();
        return new Shape(layers, config.get("num_attention_heads").asInt(), config.get("num_key_value_heads").asInt(), headDim,
                headDim, theta, 1, ropeFactors(theta), config.get("rms_norm_eps").asDouble(), false,
                gemma ? Gate.GELU : config.get("hidden_act").asText().equals("relu2") ? Gate.RELU2 : Gate.SILU,
                gemma ? Norms.GEMMA : embeds ? Norms.INPUTS : llama ? Norms.NONE : Norms.SUB,
                embeds ? Head.NONE : config.get("tie_word_embeddings").asBoolean() ? Head.TIED : Head.OWN, window());
    }

    private Window window() {
        Set<Integer> sliding = new HashSet<>();
        for (int i = 0; i < config.path("layer_types").size(); i++) {
            if (config.get("layer_types").get(i).asText().equals("sliding_attention")) {
                sliding.add(i);
            }
        }
        return sliding.isEmpty() ? null
                : new Window(config.get("sliding_window").asInt(), sliding, config.get("rope_local_base_freq").asDouble());
    }

    /** Llama 3.1's, by wave lengths, as published. */
    private float[] ropeFactors(double theta) {
        if (!config.path("rope_scaling").isObject()) {
            return null;
        }
        double factor = config.get("rope_scaling").get("factor").asDouble();
        double low = config.get("rope_scaling").get("low_freq_factor").asDouble();
        double high = config.get("rope_scaling").get("high_freq_factor").asDouble();
        double context = config.get("rope_scaling").get("original_max_position_embeddings").asDouble();
        float[] factors = new float[headDim / 2];
        for (int i = 0; i < factors.length; i++) {
            double frequency = Math.pow(theta, -2.0 * i / headDim);
            double wave = 2 * Math.PI / frequency;
            double smooth = (context / wave - low) / (high - low);
            double scaled = wave < context / high ? frequency : wave > context / low ? frequency / factor
                    : (1 - smooth) * frequency / factor + smooth * frequency;
            factors[i] = (float) (frequency / scaled);
        }
        return factors;
    }

    @Override
    public float[][] table(String name) {
        Tensor tensor = tensors.get(theirs(name));
        int cols = (int) tensor.shape()[tensor.shape().length - 1];
        ByteBuffer data = ByteBuffer.wrap(tensor.data()).order(ByteOrder.LITTLE_ENDIAN);
        boolean half = tensor.type().equals("BF16");
        float[][] rows = new float[tensor.data().length / (half ? 2 : 4) / cols][cols];
        for (float[] row : rows) {
            for (int i = 0; i < cols; i++) {
                row[i] = (half ? Float.intBitsToFloat(data.getShort() << 16) : data.getFloat()) + (addsOne(name) ? 1 : 0);
            }
        }
        return rows;
    }

    @Override
    public Ternary ternary(String name) {
        Tensor tensor = tensors.get(theirs(name));
        int cols = (int) tensor.shape()[1];
        return tensor.type().equals("U8") ? unpacked(tensor, cols, tensors.get(theirs(name) + "_scale")) : quantized(tensor, cols);
    }

    private Ternary unpacked(Tensor tensor, int cols, Tensor weightScale) {
        int quarter = (int) tensor.shape()[0];
        byte[][] rows = new byte[4 * quarter][cols];
        for (int row = 0; row < rows.length; row++) {
            for (int k = 0; k < cols; k++) {
                rows[row][k] = (byte) ((tensor.data()[row % quarter * cols + k] >> 2 * (row / quarter) & 3) - 1);
            }
        }
        float scale = ByteBuffer.wrap(weightScale.data()).order(ByteOrder.LITTLE_ENDIAN).getFloat();
        return new Ternary(rows, form == Form.PACKED_DIVIDED ? 1 / scale : scale);
    }

    /** By the mean of |w|, or where w is multiplied out by what it was multiplied by; always the mean in models for embeddings. */
    private Ternary quantized(Tensor tensor, int cols) {
        byte[][] rows = new byte[(int) tensor.shape()[0]][cols];
        ByteBuffer data = ByteBuffer.wrap(tensor.data()).order(ByteOrder.LITTLE_ENDIAN);
        double sum = 0;
        double most = 0;
        for (int i = 0; i < tensor.data().length / 2; i++) {
            double size = Math.abs(Float.intBitsToFloat(data.getShort(2 * i) << 16));
            sum += size;
            most = Math.max(most, size);
        }
        double scale = form == Form.MULTIPLIED_OUT && !embeds ? most : Math.max(sum / rows.length / cols, 1e-5);
        for (byte[] row : rows) {
            for (int k = 0; k < cols; k++) {
                row[k] = (byte) Math.clamp(Math.rint(Float.intBitsToFloat(data.getShort() << 16) / scale), -1, 1);
            }
        }
        return new Ternary(rows, (float) scale);
    }

    /** @param shards 1, or more for files with an index */
    void write(Path folder, int shards) throws IOException {
        Files.createDirectories(folder);
        JSON.writeValue(folder.resolve("config.json").toFile(), config);
        JSON.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer);
        ObjectNode map = JSON.createObjectNode();
        for (int shard = 0; shard < shards; shard++) {
            Map<String, Tensor> part = new LinkedHashMap<>();
            String file = shards == 1 ? "model.safetensors" : "model-%05d-of-%05d.safetensors".formatted(shard + 1, shards);
            int i = 0;
            for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
                if (i++ % shards == shard) {
                    part.put(entry.getKey(), entry.getValue());
                    map.put(entry.getKey(), file);
                }
            }
            Files.write(folder.resolve(file), safetensors(part));
        }
        if (shards > 1) {
            JSON.writeValue(folder.resolve("model.safetensors.index.json").toFile(), JSON.createObjectNode().set("weight_map", map));
        }
    }

    private static byte[] safetensors(Map<String, Tensor> tensors) throws IOException {
        ObjectNode header = JSON.createObjectNode();
        header.putObject("__metadata__").put("format", "pt");
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        tensors.forEach((name, tensor) -> {
            ObjectNode entry = header.putObject(name).put("dtype", tensor.type());
            ArrayNode shape = entry.putArray("shape");
            for (long dim : tensor.shape()) {
                shape.add(dim);
            }
            entry.putArray("data_offsets").add(data.size()).add(data.size() + tensor.data().length);
            data.writeBytes(tensor.data());
        });
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, json.length).array());
        out.writeBytes(json);
        data.writeTo(out);
        return out.toByteArray();
    }
}
