package io.github.bitnet4j.huggingface;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.convert.TargetFormats;
import io.github.bitnet4j.gguf.GgufWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** Converted checkpoints, so that a folder runs like a file: the first time it is converted, later it is mapped. */
public final class CheckpointCache {
    /** Of what the converter writes: raised with every change of it, so that files of an older one are not taken. */
    private static final int VERSION = 3;

    private final Path root;

    /** @param root where the files are kept; made when it is needed */
    public CheckpointCache(Path root) {
        this.root = root;
    }

    /** {@code $XDG_CACHE_HOME/bitnet4j}, usually {@code ~/.cache/bitnet4j}. */
    public static CheckpointCache ofUser() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base = cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return new CheckpointCache(base.resolve("bitnet4j"));
    }

    /**
     * The GGUF file of a folder; converted if the folder, or a file in it, has changed since it last was.
     *
     * @param progress told the bytes written and the bytes in all, while it is converted
     * @throws BitNetException if the checkpoint cannot be converted
     */
    public Path gguf(Path folder, GgufWriter.Progress progress) throws IOException {
        Path real = folder.toRealPath();
        Path target = root.resolve(real.getFileName() + "-" + state(real) + ".gguf");
        if (!Files.isRegularFile(target)) {
            Files.createDirectories(root);
            CheckpointConverter.convert(folder, target, TargetFormats.PLAIN, progress);
        }
        return target;
    }

    /** The version, and names, sizes and times of the files, as 16 hexadecimal digits. */
    private static String state(Path folder) throws IOException {
        StringBuilder state = new StringBuilder(folder + " " + VERSION);
        List<Path> files;
        try (Stream<Path> list = Files.walk(folder, 2)) { // 1_Pooling/config.json is one of them
            files = list.filter(Files::isRegularFile)
                    .filter(file -> file.getParent().equals(folder) || file.endsWith("config.json")).sorted().toList();
        }
        for (Path file : files) {
            state.append('\n').append(folder.relativize(file)).append(' ').append(Files.size(file)).append(' ')
                    .append(Files.getLastModifiedTime(file).toMillis());
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(state.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
