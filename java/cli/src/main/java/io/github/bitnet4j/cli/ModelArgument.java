package io.github.bitnet4j.cli;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.hub.Hub;
import io.github.bitnet4j.hub.ModelReference;
import io.github.bitnet4j.huggingface.CheckpointCache;
import io.github.bitnet4j.huggingface.CheckpointConverter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What a command line means by a model: a GGUF file, a folder as published on Hugging Face, or the name of a model that was pulled. */
final class ModelArgument {
    static final String TERNARY = "The model: a GGUF file with I2_S, TL1, TL2, TQ1_0 or TQ2_0 weights, a folder as published on "
            + "Hugging Face, or the name of a model that was pulled.";

    private ModelArgument() {}

    /**
     * The file or the checkpoint's folder. A path that exists is what it says; what else looks like a model's name is one that was
     * pulled, or should be.
     *
     * @param what takes it, for the sentence if it is a folder of something else
     */
    static Path path(String model, String what, Console console) {
        Path path = Path.of(model);
        Optional<ModelReference> reference = Files.exists(path) ? Optional.empty() : Hub.reference(model);
        Optional<Path> pulled = reference.flatMap(name -> new Hub(console.hub().get()).find(name));
        if (reference.isPresent() && pulled.isEmpty() && !model.endsWith(".gguf")) {
            throw new BitNetException(model + " is no file or folder, and no model that was pulled; 'bitnet pull " + model
                    + "' fetches it if it is a published one");
        }
        Path found = pulled.orElse(path);
        if (Files.isDirectory(found) && !CheckpointConverter.isCheckpoint(found)) {
            throw new BitNetException(found + " is a folder without config.json; " + what
                    + " takes a GGUF file or a checkpoint's folder");
        }
        return found;
    }

    /** The GGUF file: a folder is converted once into the cache. */
    static Path gguf(String model, String what, Console console) {
        Path path = path(model, what, console);
        if (!Files.isDirectory(path)) {
            return path;
        }
        try (Progress progress = new Progress(console, "converting " + path.getFileName())) {
            return CheckpointCache.ofUser().gguf(path, (written, total) ->
                    progress.update(written, total, Units.bytes(written) + " of " + Units.bytes(total)));
        } catch (IOException e) {
            throw new BitNetException("cannot convert " + path + ": " + Errors.sentence(e), e);
        }
    }
}
