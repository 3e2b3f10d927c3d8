package io.github.bitnet4j.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a pull leaves in the cache, and how models are found in it, listed and removed. */
class HubTest {
    static final byte[] WEIGHTS = bytes(5000, 1);

    @TempDir
    private Path folder;
    private final TestHub server = new TestHub();
    private Path cache;
    private Hub hub;

    @BeforeEach
    void publish() {
        cache = folder.resolve("hub");
        hub = new Hub(server.settings(cache));
        server.files.put("README.md", bytes(100, 2));
        server.files.put("model.gguf", WEIGHTS);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    static byte[] bytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private PulledModel pull(String model) {
        return hub.pull(model, PullListener.NONE);
    }

    private Optional<Path> find(String model) {
        return hub.find(Hub.reference(model).orElseThrow());
    }

    private Path repository() {
        return cache.resolve("models--org--model");
    }

    private List<String> blobs() throws IOException {
        try (Stream<Path> list = Files.list(repository().resolve("blobs"))) {
            return list.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private void publishCheckpoint() {
        server.files.clear();
        server.files.put("config.json", "{}".getBytes(StandardCharsets.UTF_8));
        server.files.put("generation_config.json", bytes(0, 3));
        server.files.put("tokenizer.json", bytes(3000, 4));
        server.files.put("model-00001-of-00002.safetensors", bytes(2000, 5));
        server.files.put("model-00002-of-00002.safetensors", bytes(1000, 6));
        server.files.put("model.safetensors.index.json", bytes(50, 7));
        server.files.put("modules.json", bytes(40, 13));
        server.files.put("1_Pooling/config.json", bytes(30, 14));
        server.files.put("onnx/config.json", bytes(30, 15));
        server.files.put("pytorch_model.bin", bytes(10, 8));
        server.files.put("original/model.safetensors", bytes(10, 9));
        server.files.put("README.md", bytes(10, 10));
    }

    @Test
    void aFileLiesWhereOtherToolsLookForIt() throws IOException {
        List<Long> heard = new ArrayList<>();
        PulledModel pulled = hub.pull("org/model", (done, total, file) -> {
            assertEquals(WEIGHTS.length, total);
            heard.add(done);
        });
        Path link = repository().resolve("snapshots").resolve(server.commit).resolve("model.gguf");
        assertEquals(new PulledModel("org/model", server.commit, link, WEIGHTS.length, true), pulled);
        assertEquals("../../blobs/" + TestHub.etag(WEIGHTS), Files.readSymbolicLink(link).toString());
        assertArrayEquals(WEIGHTS, Files.readAllBytes(link));
        assertEquals(server.commit, Files.readString(repository().resolve("refs/main")));
        assertEquals(List.of(TestHub.etag(WEIGHTS)), blobs());
        assertEquals(heard.stream().sorted().toList(), heard);
        assertEquals(WEIGHTS.length, heard.getLast());
        assertEquals(Optional.of(link), find("org/model"));
        assertEquals(Optional.of(link), find("org/model/model.gguf"));
        assertEquals(Optional.of(link), find("org/model@" + server.commit));
        assertEquals(Optional.empty(), find("org/model/other.gguf"));
        assertEquals(Optional.empty(), find("org/other"));
    }

    @Test
    void whatIsHereIsNotFetchedAgain() {
        pull("org/model");
        pull("org/model");
        pull("org/model/model.gguf@main");
        assertEquals(1, server.deliveriesSeen().size());
    }

    @Test
    void aCheckpointIsTheFilesThatItNeeds() throws IOException {
        publishCheckpoint();
        Path path = pull("org/model").path();
        assertEquals(repository().resolve("snapshots").resolve(server.commit), path);
        for (String name : server.files.keySet()) {
            boolean needed = !List.of("onnx/config.json", "pytorch_model.bin", "original/model.safetensors", "README.md")
                    .contains(name);
            assertEquals(needed, Files.exists(path.resolve(name)), name);
            if (needed) {
                assertArrayEquals(server.files.get(name), Files.readAllBytes(path.resolve(name)), name);
            }
        }
        assertEquals(Optional.of(path), find("org/model"));
    }

    @Test
    void aFileInAFolderIsLinkedFromThere() throws IOException {
        server.files.put("small/model.gguf", bytes(1500, 3));
        Path path = pull("org/model/small/model.gguf").path();
        assertEquals("../../../blobs/" + TestHub.etag(bytes(1500, 3)), Files.readSymbolicLink(path).toString());
        assertArrayEquals(bytes(1500, 3), Files.readAllBytes(path));
    }

    @Test
    void aCheckpointThatIsNotWholeIsNotFound() {
        publishCheckpoint();
        for (int i = 0; i < 9; i++) {
            server.deliveries.add(TestHub.status(503));
        }
        assertThrows(HubException.class, () -> pull("org/model"));
        assertEquals(Optional.empty(), find("org/model"));
    }

    @Test
    void severalModelsWantAName() {
        server.files.put("other.gguf", WEIGHTS);
        String message = assertThrows(HubException.class, () -> pull("org/model")).getMessage();
        assertEquals("org/model has several models; name one of org/model/model.gguf, org/model/other.gguf", message);
        pull("org/model/other.gguf");
        assertEquals("org/model has no file x.gguf; it has model.gguf, other.gguf",
                assertThrows(HubException.class, () -> pull("org/model/x.gguf")).getMessage());
        server.files.keySet().removeIf(name -> name.endsWith(".gguf"));
        assertTrue(assertThrows(HubException.class, () -> pull("org/model")).getMessage().contains("holds no model"));
    }

    @Test
    void aNewCommitKeepsTheOldOne() throws IOException {
        Path old = pull("org/model").path();
        server.commit = "d".repeat(40);
        server.files.put("model.gguf", bytes(4000, 11));
        Path current = pull("org/model").path();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(old));
        assertArrayEquals(bytes(4000, 11), Files.readAllBytes(current));
        assertEquals(Optional.of(current), find("org/model"));
        assertEquals(Optional.of(old), find("org/model@" + "c".repeat(40)));
        assertEquals(List.of(old, current), hub.models().stream().map(CachedModel::path).toList());

        assertEquals(4000, hub.remove("org/model@main"));
        assertEquals(List.of(old), hub.models().stream().map(CachedModel::path).toList());
        assertFalse(Files.exists(repository().resolve("refs/main")));
        assertEquals(WEIGHTS.length, hub.remove("org/model"));
        assertFalse(Files.exists(repository()));
    }

    @Test
    void blobsThatASnapshotNeedsStay() throws IOException {
        publishCheckpoint();
        pull("org/model");
        server.commit = "d".repeat(40);
        server.files.put("tokenizer.json", bytes(3100, 12));
        Path current = pull("org/model").path();
        long blobs = blobs().size();
        assertEquals(3000, hub.remove("org/model@" + "c".repeat(40)));
        assertEquals(blobs - 1, blobs().size());
        for (String name : List.of("config.json", "tokenizer.json", "model-00001-of-00002.safetensors")) {
            assertArrayEquals(server.files.get(name), Files.readAllBytes(current.resolve(name)));
        }
        assertEquals(Optional.of(current), find("org/model"));
        assertEquals(1, hub.models().size());
    }

    @Test
    void aFileIsRemovedAlone() throws IOException {
        server.files.put("other.gguf", bytes(2000, 13));
        pull("org/model/model.gguf");
        Path other = pull("org/model/other.gguf").path();
        assertEquals(WEIGHTS.length, hub.remove("org/model/model.gguf"));
        assertEquals(Optional.of(other), find("org/model"));
        assertEquals(List.of(TestHub.etag(bytes(2000, 13))), blobs());
        assertTrue(assertThrows(HubException.class, () -> hub.remove("org/model/model.gguf")).getMessage()
                .startsWith("nothing of org/model/model.gguf is in " + cache));
    }

    @Test
    void whatAPullHasLeftIsRemoved() {
        server.deliveries.add(TestHub.cut(WEIGHTS, 3000, "\"v1\""));
        for (int i = 0; i < 9; i++) {
            server.deliveries.add(TestHub.status(503));
        }
        assertThrows(HubException.class, () -> pull("org/model"));
        assertEquals(3000, hub.remove("org/model/model.gguf"));
        assertFalse(Files.exists(repository()));
    }

    @Test
    void filesOutsideTheCacheStay() throws IOException {
        Path snapshot = pull("org/model").path().getParent();
        Path mine = Files.writeString(folder.resolve("mine.gguf"), "mine");
        Files.createSymbolicLink(snapshot.resolve("mine.gguf"), mine);
        assertEquals(WEIGHTS.length, hub.remove("org/model"));
        assertEquals("mine", Files.readString(mine));
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() throws IOException {
        cache = Files.writeString(folder.resolve("file"), "no folder");
        hub = new Hub(server.settings(cache));
        String message = assertThrows(HubException.class, () -> pull("org/model")).getMessage();
        assertTrue(message.startsWith("cannot keep org/model in " + cache), message);
        assertEquals(List.of(), hub.models());
    }

    @Test
    void modelsAreListedWhoeverFetchedThem() throws IOException {
        assertEquals(List.of(), hub.models());
        Path path = pull("org/model").path();
        Path foreign = cache.resolve("models--other--thing");
        Files.createDirectories(foreign.resolve("blobs"));
        Files.createDirectories(foreign.resolve("snapshots/abc"));
        Files.write(foreign.resolve("blobs/1"), bytes(10, 1));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.createSymbolicLink(foreign.resolve("snapshots/abc/" + name), Path.of("../../blobs/1"));
        }
        Files.createSymbolicLink(foreign.resolve("snapshots/abc/broken.gguf"), Path.of("../../blobs/2"));
        Files.createDirectories(cache.resolve("models--other--tokenizer/snapshots/abc"));
        Files.createDirectories(cache.resolve("datasets--x--y/snapshots/abc"));
        List<CachedModel> models = hub.models();
        assertEquals(List.of("org/model/model.gguf", "other/thing"), models.stream().map(CachedModel::reference).toList());
        assertEquals(path, models.get(0).path());
        assertEquals(WEIGHTS.length, models.get(0).bytes());
        assertEquals(foreign.resolve("snapshots/abc"), models.get(1).path());
        assertEquals(20, models.get(1).bytes());
    }

    @Test
    void offlineNothingIsAsked() {
        HubSettings online = server.settings(cache);
        Hub offline = new Hub(new HubSettings(online.endpoint(), cache, online.token(), true, online.proxies(), online.pause(),
                online.stall()));
        assertTrue(assertThrows(HubException.class, () -> offline.pull("org/model", PullListener.NONE)).getMessage()
                .contains("HF_HUB_OFFLINE"));
        assertEquals(List.of(), server.seen);
    }
}
