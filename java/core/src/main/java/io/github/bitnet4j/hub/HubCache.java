package io.github.bitnet4j.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The cache that Hugging Face tools share, as huggingface_hub lays it out:
 *
 * <pre>
 * models--ORG--NAME/
 *   blobs/CHECKSUM                 the files, by what is in them
 *   snapshots/COMMIT/FILE          links to ../../blobs/CHECKSUM
 *   refs/REVISION                  the commit that a branch or tag meant when it was last asked for
 * .locks/models--ORG--NAME/        held while a blob is fetched
 * </pre>
 *
 * A blob on its way is called {@code CHECKSUM.bitnet4j.incomplete}; other tools, whose locks are of another kind, write
 * to another name.
 */
final class HubCache {
    private static final String PREFIX = "models--";
    private static final String PART = ".bitnet4j.incomplete";

    private final Path root;

    HubCache(Path root) {
        this.root = root;
    }

    private Path folder(String repository) {
        return root.resolve(PREFIX + repository.replace("/", "--"));
    }

    private Path locks(String repository) {
        return root.resolve(".locks").resolve(PREFIX + repository.replace("/", "--"));
    }

    private Path snapshots(String repository) {
        return folder(repository).resolve("snapshots");
    }

    private Path refs(String repository) {
        return folder(repository).resolve("refs");
    }

    private Path blobs(String repository) {
        return folder(repository).resolve("blobs");
    }

    Path blob(RemoteFile file) {
        return blobs(file.repository()).resolve(file.checksum().hex());
    }

    Path part(RemoteFile file) {
        return blob(file).resolveSibling(file.checksum().hex() + PART);
    }

    Path lock(RemoteFile file) {
        return locks(file.repository()).resolve(file.checksum().hex() + ".lock");
    }

    /** Whether the blob is there as a whole. */
    boolean has(RemoteFile file) throws IOException {
        return Files.isRegularFile(blob(file)) && Files.size(blob(file)) == file.size();
    }

    /** Bytes that are still to be fetched. */
    long missing(RemoteFile file) throws IOException {
        return has(file) ? 0 : file.size() - (Files.isRegularFile(part(file)) ? Math.min(file.size(), Files.size(part(file))) : 0);
    }

    /** Fails if the disk has no room for so many more bytes. */
    void requireRoom(long bytes) throws IOException {
        Files.createDirectories(root);
        long room = Files.getFileStore(root).getUsableSpace();
        if (bytes > room) {
            throw new HubException(String.format("%s has room for %,d MB, and %,d MB are to be fetched; make room, or name another "
                    + "folder with HF_HUB_CACHE", root, room / 1_000_000, (bytes + 999_999) / 1_000_000));
        }
    }

    /** Makes the file's name in its snapshot point to its blob. */
    void link(RemoteFile file) throws IOException {
        Path link = snapshot(file.repository(), file.commit()).resolve(file.name());
        Path target = link.getParent().relativize(blob(file));
        Files.createDirectories(link.getParent());
        try {
            Files.createSymbolicLink(link, target);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(target)) {
                Files.delete(link);
                Files.createSymbolicLink(link, target);
            }
        }
    }

    /** Remembers what a revision means. */
    void name(ModelReference reference, String commit) throws IOException {
        if (reference.revisionOrMain().equals(commit)) {
            return;
        }
        Path ref = refs(reference.repository()).resolve(reference.revisionOrMain());
        Files.createDirectories(ref.getParent());
        Path part = Files.createTempFile(ref.getParent(), ".ref", ".part");
        Files.writeString(part, commit);
        Files.move(part, ref, StandardCopyOption.ATOMIC_MOVE);
    }

    Path snapshot(String repository, String commit) {
        return snapshots(repository).resolve(commit);
    }

    /** The commit of a revision that was pulled; empty if none was. */
    Optional<String> commit(ModelReference reference) throws IOException {
        Path ref = refs(reference.repository()).resolve(reference.revisionOrMain());
        String commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : reference.revisionOrMain();
        boolean name = commit.matches("[A-Za-z0-9._-]+") && !commit.startsWith(".");
        return Optional.of(commit).filter(c -> name && Files.isDirectory(snapshot(reference.repository(), c)));
    }

    /** Names of the files of a snapshot whose blobs are there. */
    List<String> files(String repository, String commit) throws IOException {
        Path snapshot = snapshot(repository, commit);
        return links(repository, commit).stream().filter(name -> Files.isRegularFile(snapshot.resolve(name))).toList();
    }

    /** Names of the files of a snapshot, whether their blobs are there or not. */
    List<String> links(String repository, String commit) throws IOException {
        Path snapshot = snapshot(repository, commit);
        return entries(snapshot).stream().filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                .map(path -> snapshot.relativize(path).toString().replace('\\', '/')).toList();
    }

    /** Blobs that pulls which ended early have left. */
    List<Path> parts(String repository) throws IOException {
        return entries(blobs(repository)).stream().filter(path -> path.toString().endsWith(PART)).toList();
    }

    /** {@code ORG/NAME} of all that is here. */
    List<String> repositories() throws IOException {
        return names(root).stream().filter(name -> name.startsWith(PREFIX) && name.indexOf("--", PREFIX.length()) > 0)
                .map(name -> name.substring(PREFIX.length()).replace("--", "/")).toList();
    }

    /** Commits of which there is a snapshot. */
    List<String> commits(String repository) throws IOException {
        return names(snapshots(repository));
    }

    private static List<String> names(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> list = Files.list(folder)) {
            return list.filter(Files::isDirectory).map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    /**
     * Deletes links, the blobs that no other link needs, and folders and names that have nothing left.
     *
     * @param files in snapshots of this repository, or parts of blobs
     * @return bytes that became free
     */
    long delete(String repository, List<Path> files) throws IOException {
        Set<Path> blobs = targets(files);
        blobs.removeIf(blob -> !blob.startsWith(blobs(repository)));
        long freed = 0;
        for (Path file : files) {
            freed += Files.isSymbolicLink(file) ? 0 : Files.size(file);
            Files.delete(file);
        }
        blobs.removeAll(targets(entries(snapshots(repository))));
        for (Path blob : blobs) {
            freed += Files.isRegularFile(blob) ? Files.size(blob) : 0;
            Files.deleteIfExists(blob);
        }
        for (Path folder : entries(snapshots(repository)).reversed()) {
            if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) && entries(folder).size() == 1) {
                Files.delete(folder);
            }
        }
        if (commits(repository).isEmpty()) {
            deleteAll(folder(repository));
            deleteAll(locks(repository));
        } else {
            forgetRefs(repository);
        }
        return freed;
    }

    private void forgetRefs(String repository) throws IOException {
        List<String> left = commits(repository);
        for (Path ref : entries(refs(repository))) {
            if (Files.isRegularFile(ref) && !left.contains(Files.readString(ref).strip())) {
                Files.delete(ref);
            }
        }
    }

    private static Set<Path> targets(List<Path> files) {
        return files.stream().filter(Files::isSymbolicLink).map(HubCache::target).collect(Collectors.toSet());
    }

    private static Path target(Path link) {
        try {
            return link.resolveSibling(Files.readSymbolicLink(link)).normalize();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A folder and all in it, folders before what they hold; links are not followed. */
    private static List<Path> entries(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.sorted(Comparator.naturalOrder()).collect(Collectors.toCollection(ArrayList::new));
        }
    }

    private static void deleteAll(Path folder) throws IOException {
        for (Path path : entries(folder).reversed()) {
            Files.delete(path);
        }
    }
}
