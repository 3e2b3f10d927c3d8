package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A folder as Hugging Face publishes it: {@code config.json}, one {@code model.safetensors} or the shards that
 * {@code model.safetensors.index.json} lists, and the files of the tokenizer. Weights stay mapped until {@link #close}.
 */
final class Checkpoint implements AutoCloseable {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Path folder;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, CheckpointTensor> tensors = new HashMap<>();

    private Checkpoint(Path folder) {
        this.folder = folder;
    }

    /**
     * Maps the weights and reads their headers.
     *
     * @throws BitNetException if a file is missing or malformed
     */
    static Checkpoint open(Path folder) {
        Checkpoint checkpoint = new Checkpoint(folder);
        try {
            for (String shard : checkpoint.shards()) {
                SafetensorsFile file = SafetensorsFile.open(folder.resolve(shard));
                checkpoint.files.add(file);
                checkpoint.tensors.putAll(file.tensors());
            }
            return checkpoint;
        } catch (IOException e) {
            checkpoint.close();
            throw new BitNetException("cannot read the weights in " + folder + ": " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            checkpoint.close();
            throw e;
        }
    }

    private Iterable<String> shards() {
        if (Files.isRegularFile(folder.resolve(SINGLE))) {
            return List.of(SINGLE);
        }
        TreeSet<String> names = new TreeSet<>();
        json(INDEX).orElseThrow(() -> new BitNetException(folder + " has neither " + SINGLE + " nor " + INDEX))
                .path("weight_map").forEach(name -> names.add(name.asText()));
        for (String name : names) {
            if (!Path.of(name).equals(Path.of(name).getFileName()) || !Files.isRegularFile(folder.resolve(name))) {
                throw new BitNetException(folder + " lacks " + name + ", which " + INDEX + " lists");
            }
        }
        return names;
    }

    Path folder() {
        return folder;
    }

    /** A JSON file of the folder, empty if there is none. */
    Optional<JsonNode> json(String name) {
        Path file = folder.resolve(name);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ObjectMapper().readTree(file.toFile()));
        } catch (JsonProcessingException e) {
            throw new BitNetException(file + " is no JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new BitNetException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** A JSON file that a checkpoint cannot do without. */
    JsonNode requireJson(String name) {
        return json(name).orElseThrow(() -> new BitNetException(folder + " has no " + name));
    }

    Optional<CheckpointTensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /** A tensor of floats of this shape. */
    CheckpointTensor real(String name, long... shape) {
        CheckpointTensor tensor = require(name, shape);
        if (!tensor.type().isReal()) {
            throw bad(name, "has dtype " + tensor.type() + ", not BF16, F16 or F32");
        }
        return tensor;
    }

    /** A tensor of this shape, of any type. */
    CheckpointTensor require(String name, long... shape) {
        CheckpointTensor tensor = tensor(name).orElseThrow(() -> bad(name, "is missing"));
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw bad(name, "has shape " + Arrays.toString(tensor.shape()) + "; config.json asks for "
                    + Arrays.toString(shape));
        }
        return tensor;
    }

    BitNetException bad(String tensor, String problem) {
        return new BitNetException(folder + ": tensor " + tensor + " " + problem);
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
