package io.github.bitnet4j.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Models by name: fetched, found, listed and removed. A name is one of the {@link Catalogue} or a
 * {@link ModelReference}, either with {@code @REVISION} behind it.
 */
public final class Hub {
    private final HubSettings settings;
    private final HubCache cache;

    public Hub(HubSettings settings) {
        this.settings = settings;
        cache = new HubCache(settings.cache());
    }

    /** With the settings of this process. */
    public static Hub ofProcess() {
        return new Hub(HubSettings.ofProcess());
    }

    /** What a name means; empty if it is none. */
    public static Optional<ModelReference> reference(String model) {
        int at = model.indexOf('@');
        Optional<String> revision = at < 0 ? Optional.empty() : Optional.of(model.substring(at + 1));
        return ModelReference.parse(model).or(() -> Catalogue.find(at < 0 ? model : model.substring(0, at))
                .map(entry -> new ModelReference(entry.repository(), entry.file(), revision)));
    }

    private static ModelReference require(String model) {
        return reference(model).orElseThrow(() -> new HubException("'" + model + "' is no name of a model; names are those of "
                + "'bitnet list --catalogue' and ORG/NAME[/FILE][@REVISION]"));
    }

    /**
     * Fetches a model unless it is here already, as the hub has it now.
     *
     * @throws HubException if it cannot be fetched; what has arrived stays for the next pull
     */
    public PulledModel pull(String model, PullListener listener) {
        ModelReference reference = require(model);
        if (settings.offline()) {
            throw new HubException("HF_HUB_OFFLINE is set, so nothing is fetched; unset it to pull " + model);
        }
        try (HubClient client = new HubClient(settings)) {
            HubClient.Listing listing = client.listing(reference);
            ModelFiles chosen = ModelFiles.of(reference, listing.files());
            List<RemoteFile> files = chosen.files().stream()
                    .map(name -> client.describe(reference, listing.commit(), name)).toList();
            fetch(client, files, listener);
            cache.name(reference, listing.commit());
            return new PulledModel(reference.repository(), listing.commit(),
                    chosen.in(cache.snapshot(reference.repository(), listing.commit())),
                    files.stream().mapToLong(RemoteFile::size).sum(), isKnown(reference, files));
        } catch (IOException e) {
            throw new HubException("cannot keep " + model + " in " + settings.cache() + ": " + Reasons.of(e), e);
        }
    }

    private void fetch(HubClient client, List<RemoteFile> files, PullListener listener) throws IOException {
        long missing = 0;
        for (RemoteFile file : files) {
            missing += cache.missing(file);
        }
        cache.requireRoom(missing);
        long total = files.stream().mapToLong(RemoteFile::size).sum();
        long before = 0;
        for (RemoteFile file : files) {
            long start = before;
            new Download(client, file, cache, settings, done -> listener.progress(start + done, total, file.name())).run();
            cache.link(file);
            before += file.size();
        }
        listener.progress(total, total, "");
    }

    private static boolean isKnown(ModelReference reference, List<RemoteFile> files) {
        return reference.revision().isPresent() || Catalogue.find(reference.repository(), reference.file())
                .flatMap(CatalogueEntry::sha256).map(sha -> sha.equals(files.getFirst().checksum().hex())).orElse(true);
    }

    /**
     * What to open for a model that was pulled, by this or another program; empty if it was not, or not as a whole.
     *
     * @throws HubException if the name can mean several models
     */
    public Optional<Path> find(ModelReference reference) {
        try {
            Optional<String> commit = cache.commit(reference);
            if (commit.isEmpty()) {
                return Optional.empty();
            }
            List<String> files = cache.files(reference.repository(), commit.get());
            boolean there = reference.file().map(files::contains)
                    .orElse(!ModelFiles.ggufs(files).isEmpty() || ModelFiles.isCheckpoint(files));
            return there ? Optional.of(ModelFiles.of(reference, files).in(cache.snapshot(reference.repository(), commit.get())))
                    : Optional.empty();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private HubException unreadable(IOException e) {
        return new HubException("cannot read " + settings.cache() + ": " + Reasons.of(e), e);
    }

    /** All models that are here, whoever fetched them. */
    public List<CachedModel> models() {
        List<CachedModel> models = new ArrayList<>();
        try {
            for (String repository : cache.repositories()) {
                for (String commit : cache.commits(repository)) {
                    List<String> files = cache.files(repository, commit);
                    for (String gguf : ModelFiles.ggufs(files)) {
                        models.add(model(new ModelReference(repository, Optional.of(gguf), Optional.empty()), commit, files));
                    }
                    if (ModelFiles.isCheckpoint(files)) {
                        List<String> others = files.stream().filter(name -> !name.endsWith(".gguf")).toList();
                        models.add(model(new ModelReference(repository, Optional.empty(), Optional.empty()), commit, others));
                    }
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
        return models;
    }

    private CachedModel model(ModelReference reference, String commit, List<String> names) throws IOException {
        Path snapshot = cache.snapshot(reference.repository(), commit);
        ModelFiles files = ModelFiles.of(reference, names);
        long bytes = 0;
        Instant time = Instant.EPOCH;
        for (String name : files.files()) {
            Path file = snapshot.resolve(name);
            bytes += Files.size(file);
            Instant changed = Files.getLastModifiedTime(file).toInstant();
            time = changed.isAfter(time) ? changed : time;
        }
        return new CachedModel(reference.repository(), files.gguf().orElse(""), commit, files.in(snapshot), bytes, time);
    }

    /**
     * What {@link #remove} would delete: names of the repository's files in every snapshot and what pulls that ended early have
     * left, or names in the snapshot of the revision.
     *
     * @throws HubException if nothing of it is here
     */
    public List<Path> removable(String model) {
        ModelReference reference = require(model);
        try {
            List<String> commits = reference.revision().isEmpty() ? cache.commits(reference.repository())
                    : cache.commit(reference).stream().toList();
            Set<Path> paths = new LinkedHashSet<>();
            for (String commit : commits) {
                for (String name : cache.links(reference.repository(), commit)) {
                    if (reference.file().isEmpty() || reference.file().get().equals(name)) {
                        paths.add(cache.snapshot(reference.repository(), commit).resolve(name));
                    }
                }
            }
            if (reference.revision().isEmpty()) {
                paths.addAll(cache.parts(reference.repository()));
            }
            if (paths.isEmpty()) {
                throw new HubException("nothing of " + model + " is in " + settings.cache() + "; 'bitnet list' shows what is");
            }
            return List.copyOf(paths);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /**
     * Deletes a model's files, but not those that another snapshot needs.
     *
     * @return bytes that became free
     */
    public long remove(String model) {
        try {
            return cache.delete(require(model).repository(), removable(model));
        } catch (IOException e) {
            throw new HubException("cannot remove " + model + " from " + settings.cache() + ": " + Reasons.of(e), e);
        }
    }
}
