package io.github.bitnet4j.hub;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The files of a repository that make up the model: one GGUF file, or the files of a checkpoint, which is a folder.
 *
 * @param gguf  the file to run; empty for a checkpoint
 * @param files all that are needed
 */
record ModelFiles(Optional<String> gguf, List<String> files) {
    private static final String CONFIG = "config.json";
    private static final Pattern WEIGHTS = Pattern.compile("[^/]+\\.safetensors");
    private static final Pattern CHECKPOINT = Pattern.compile(
            "[^/]+\\.safetensors(\\.index\\.json)?|(generation_|tokenizer_)?config\\.json|tokenizer\\.(json|model)"
                    + "|special_tokens_map\\.json|added_tokens\\.json|chat_template\\.(jinja|json)"
                    + "|modules\\.json|sentence_bert_config\\.json|[^/]*Pooling/config\\.json");

    /**
     * Chooses among the names of a repository's files.
     *
     * @throws HubException if they are not those of one model
     */
    static ModelFiles of(ModelReference reference, List<String> names) {
        if (reference.file().isPresent()) {
            String file = reference.file().get();
            if (!names.contains(file)) {
                throw new HubException(reference.repository() + " has no file " + file + (ggufs(names).isEmpty() ? ""
                        : "; it has " + String.join(", ", ggufs(names))));
            }
            return new ModelFiles(Optional.of(file), List.of(file));
        }
        List<String> ggufs = ggufs(names);
        if (ggufs.size() > 1) {
            throw new HubException(reference.repository() + " has several models; name one of "
                    + ggufs.stream().map(name -> reference.repository() + "/" + name).collect(Collectors.joining(", ")));
        }
        if (ggufs.size() == 1) {
            return new ModelFiles(Optional.of(ggufs.getFirst()), ggufs);
        }
        if (!isCheckpoint(names)) {
            throw new HubException(reference.repository() + " holds no model that is known here: it has neither a GGUF file nor "
                    + CONFIG + " with safetensors");
        }
        return new ModelFiles(Optional.empty(), names.stream().filter(name -> CHECKPOINT.matcher(name).matches()).toList());
    }

    /** Names of the GGUF files among them. */
    static List<String> ggufs(List<String> names) {
        return names.stream().filter(name -> name.endsWith(".gguf")).sorted().toList();
    }

    static boolean isCheckpoint(List<String> names) {
        return names.contains(CONFIG) && names.stream().anyMatch(name -> WEIGHTS.matcher(name).matches());
    }

    /** What is run: the file or the folder. */
    Path in(Path snapshot) {
        return gguf.map(snapshot::resolve).orElse(snapshot);
    }
}
