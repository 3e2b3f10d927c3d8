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
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that cut connections, lie, change their minds or refuse: the file is whole, or it is not there. */
class BadServerTest {
    private static final byte[] WEIGHTS = HubTest.bytes(5000, 1);
    private static final byte[] OTHER = HubTest.bytes(5000, 2);

    @TempDir
    private Path cache;
    private final TestHub server = new TestHub();

    BadServerTest() {
        server.files.put("model.gguf", WEIGHTS);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Duration stall = Duration.ofSeconds(60);

    private HubSettings settings(String endpoint) {
        return TestHub.settings(cache, endpoint, new ProxyVariables(Map.of()), stall);
    }

    private Path pull() {
        HubSettings settings = settings("http://localhost:" + server.hubPort());
        return new Hub(settings).pull("org/model", PullListener.NONE).path();
    }

    private void arrivesWhole() throws IOException {
        assertArrayEquals(WEIGHTS, Files.readAllBytes(pull()));
        assertFalse(Files.exists(part()));
    }

    /** One sentence, and nothing under the final name. */
    private void fails(String... parts) {
        String message = assertThrows(HubException.class, this::pull).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
        assertEquals(1, message.lines().count(), message);
        assertFalse(message.contains("hf_secret") || message.contains("signature"), message);
        assertFalse(Files.exists(blob()));
        assertEquals(Optional.empty(), new Hub(server.settings(cache)).find(Hub.reference("org/model").orElseThrow()));
    }

    private Path blob() {
        return cache.resolve("models--org--model/blobs").resolve(TestHub.etag(WEIGHTS));
    }

    private Path part() {
        return blob().resolveSibling(blob().getFileName() + ".bitnet4j.incomplete");
    }

    private void always(TestHub.Answer answer) {
        for (int i = 0; i < 9; i++) {
            server.deliveries.add(answer);
        }
    }

    private List<String> ranges() {
        return server.deliveriesSeen().stream().map(seen -> seen.header("Range").orElse("all")).toList();
    }

    @Test
    void cutConnectionsAreTakenUpWhereTheyEnded() throws IOException {
        for (int i = 0; i < 8; i++) {
            server.deliveries.add(TestHub.cut(WEIGHTS, 500, "\"v1\""));
        }
        arrivesWhole();
        assertEquals(List.of("all", "bytes=500-", "bytes=1000-", "bytes=1500-", "bytes=2000-", "bytes=2500-", "bytes=3000-",
                "bytes=3500-", "bytes=4000-"), ranges());
        assertEquals("\"v1\"", server.deliveriesSeen().getLast().header("If-Range").orElseThrow());
    }

    @Test
    void theNextPullGoesOnWhereTheLastOneEnded() throws IOException {
        server.deliveries.add(TestHub.cut(WEIGHTS, 3000, "\"v1\""));
        always(TestHub.status(503));
        fails("cannot get model.gguf of org/model", "503, 5 times", "what has arrived is kept");
        assertArrayEquals(Arrays.copyOf(WEIGHTS, 3000), Files.readAllBytes(part()));
        server.deliveries.clear();
        arrivesWhole();
        assertEquals("bytes=3000-", ranges().getLast());
    }

    @Test
    void aServerThatIgnoresRangesIsReadFromTheStart() throws IOException {
        server.deliveries.add(TestHub.cut(WEIGHTS, 3000, "\"v1\""));
        server.deliveries.add(exchange -> TestHub.send(exchange, 200, WEIGHTS));
        arrivesWhole();
    }

    @Test
    void aServerThatIgnoresRangesAndAlwaysCutsIsGivenUp() {
        always(exchange -> {
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            exchange.getResponseBody().write(WEIGHTS, 0, 2000);
            exchange.getResponseBody().flush();
        });
        fails("5 times");
        assertEquals(5, ranges().size());
    }

    @Test
    void anotherLengthIsRefused() {
        always(exchange -> TestHub.send(exchange, 200, Arrays.copyOf(WEIGHTS, 4999)));
        fails("it sends a file of another length");
    }

    @Test
    void moreBytesThanTheFileHasAreRefused() {
        always(exchange -> {
            exchange.sendResponseHeaders(200, 0); // chunked, without a length
            exchange.getResponseBody().write(Arrays.copyOf(WEIGHTS, 6000));
        });
        fails("more than the 5000 bytes");
    }

    @Test
    void fewerBytesWithoutALengthAreNoEnd() {
        always(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(WEIGHTS, 0, 4000);
        });
        fails("the connection ended after 4000 of 5000 bytes");
    }

    @Test
    void anotherPartThanAskedForIsRefused() {
        server.deliveries.add(TestHub.cut(WEIGHTS, 3000, "\"v1\""));
        always(exchange -> {
            exchange.getResponseHeaders().add("Content-Range", "bytes 2000-4999/5000");
            TestHub.send(exchange, 206, Arrays.copyOfRange(WEIGHTS, 2000, 5000));
        });
        fails("another part of the file");
    }

    @Test
    void anOffsetThatIsNotLikedIsGivenUp() throws IOException {
        server.deliveries.add(TestHub.cut(WEIGHTS, 3000, "\"v1\""));
        server.deliveries.add(TestHub.status(416));
        arrivesWhole();
        assertEquals(List.of("all", "bytes=3000-", "all"), ranges());
    }

    @Test
    void aWrongChecksumIsNotKept() {
        always(exchange -> TestHub.send(exchange, 200, OTHER));
        fails("another checksum", "was deleted");
        assertEquals(1, ranges().size());
    }

    @Test
    void aWrongGitIdIsNotKeptEither() {
        server.files.put("model.gguf", HubTest.bytes(900, 3));
        String etag = TestHub.etag(HubTest.bytes(900, 4));
        TestHub.Answer lie = exchange -> {
            exchange.getResponseHeaders().add("ETag", "W/\"" + etag + "\"");
            TestHub.send(exchange, 200, HubTest.bytes(900, 3));
        };
        server.hubAnswers.add(server.listing());
        server.hubAnswers.addAll(List.of(lie, lie));
        fails("another checksum");
        assertFalse(Files.exists(blob().resolveSibling(etag)));
    }

    @Test
    void aFileThatChangesMidwayIsBegunAnew() throws IOException {
        server.deliveries.add(TestHub.cut(OTHER, 3000, "\"v0\""));
        arrivesWhole();
        assertEquals(List.of("all", "bytes=3000-"), ranges());
    }

    @Test
    void aFileThatWasPutTogetherWronglyIsFetchedOnceMore() throws IOException {
        server.deliveries.add(TestHub.cut(OTHER, 3000, "\"v1\""));
        arrivesWhole();
        assertEquals(List.of("all", "bytes=3000-", "all"), ranges());
    }

    @Test
    void aPartThatWasDamagedOnDiskIsFetchedOnceMore() throws IOException {
        Files.createDirectories(part().getParent());
        Files.write(part(), Arrays.copyOf(OTHER, 2000));
        arrivesWhole();
        assertEquals(List.of("bytes=2000-", "all"), ranges());
        Files.delete(blob());
        Files.write(part(), new byte[6000]);
        arrivesWhole();
    }

    @Test
    void aBlobOfAnotherLengthIsReplaced() throws IOException {
        pull();
        Files.write(blob(), new byte[10]);
        arrivesWhole();
    }

    @Test
    void aTransferThatStandsStillIsBroken() throws IOException {
        stall = Duration.ofMillis(1500);
        server.deliveries.add(exchange -> {
            exchange.getResponseHeaders().add("ETag", "\"v1\"");
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            exchange.getResponseBody().write(WEIGHTS, 0, 1000);
            exchange.getResponseBody().flush();
            sleep(6000);
        });
        arrivesWhole();
        assertEquals(List.of("all", "bytes=1000-"), ranges());
    }

    @Test
    void aSlowTransferIsNot() throws IOException {
        stall = Duration.ofMillis(1500);
        server.deliveries.add(exchange -> {
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            for (int i = 0; i < 10; i++) {
                exchange.getResponseBody().write(WEIGHTS, i * 500, 500);
                exchange.getResponseBody().flush();
                sleep(250);
            }
        });
        arrivesWhole();
        assertEquals(List.of("all"), ranges());
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void failuresThatPassAreWaitedFor() throws IOException {
        server.hubAnswers.addAll(List.of(TestHub.status(500), TestHub.status(429, "Retry-After", "0"), TestHub.status(429,
                "Retry-After", DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(2)))));
        server.deliveries.addAll(List.of(TestHub.status(502), TestHub.status(403), TestHub.status(504)));
        long start = System.nanoTime();
        arrivesWhole();
        assertTrue(System.nanoTime() - start > 900_000_000L);
    }

    @Test
    void aServerThatAsksToBeLeftAloneForLongIs() {
        server.hubAnswers.add(TestHub.status(429, "Retry-After", "3600"));
        fails("429 (too many requests) and asks to wait 3600 s");
        assertEquals(1, server.seen.size());
    }

    @Test
    void refusalsSayWhatToDo() {
        server.hubAnswers.add(TestHub.status(401, "X-Error-Code", "RepoNotFound"));
        fails("shows no org/model to this token", "set HF_TOKEN");
        server.hubAnswers.add(TestHub.status(401));
        fails("does not accept the token of HF_TOKEN", "/settings/tokens");
        server.hubAnswers.add(TestHub.status(403, "X-Error-Code", "GatedRepo"));
        fails("accept its terms at http://localhost:" + server.hubPort() + "/org/model");
        server.hubAnswers.add(TestHub.status(404, "X-Error-Code", "RepoNotFound"));
        fails("there is no org/model at", "bitnet list --catalogue");
        server.hubAnswers.add(TestHub.status(404, "X-Error-Code", "RevisionNotFound"));
        fails("org/model has no revision main");
        server.hubAnswers.add(TestHub.status(418));
        fails("answered 418");
    }

    @Test
    void whatIsNoHubIsToldSo() {
        server.hubAnswers.add(exchange -> TestHub.send(exchange, 200, "<html>".getBytes(StandardCharsets.UTF_8)));
        fails("does not answer like a Hugging Face hub", "HF_ENDPOINT");
        server.hubAnswers.add(exchange -> TestHub.send(exchange, 200, "{\"sha\": \"../..\"}".getBytes(StandardCharsets.UTF_8)));
        fails("does not answer like a Hugging Face hub");
        server.files.put("../../../evil.gguf", WEIGHTS);
        fails("leads out of its folder");
        server.files.keySet().removeIf(name -> name.contains("evil"));
        server.hubAnswers.addAll(List.of(server.listing(), exchange -> TestHub.send(exchange, 200, WEIGHTS)));
        fails("gives no checksum of model.gguf (its etag is missing)");
        server.hubAnswers.addAll(List.of(server.listing(), TestHub.status(200, "ETag", "\"v1\"", "Content-Length", "5000")));
        fails("gives no checksum of model.gguf (its etag is \"v1\")");
    }

    @Test
    void redirectsThatLeadNowhereEnd() {
        server.deliveries.clear();
        for (int i = 0; i < 20; i++) {
            server.hubAnswers.add(TestHub.status(302, "Location", "/again"));
        }
        fails("redirects without end");
        server.hubAnswers.clear();
        server.hubAnswers.add(TestHub.status(302, "Location", "file:///etc/passwd"));
        fails("redirects to where nothing can be fetched safely");
    }

    @Test
    void aRepositoryThatMovedIsFollowed() throws IOException {
        server.hubAnswers.add(TestHub.status(307, "Location", "/api/models/org/model/revision/main"));
        arrivesWhole();
    }

    @Test
    void theTokenGoesToTheHubOnly() throws IOException {
        arrivesWhole();
        for (TestHub.Seen seen : server.seen) {
            assertEquals(seen.host().equals("hub") ? Optional.of("Bearer hf_secret") : Optional.empty(),
                    seen.header("Authorization"), seen.toString());
        }
        assertEquals(1, server.deliveriesSeen().size());
        assertFalse(server.settings(cache).toString().contains("hf_secret"));
    }

    @Test
    void aDiskWithoutRoomIsToldBefore() {
        server.hubAnswers.add(server.listing());
        server.hubAnswers.add(TestHub.status(302, "Location", "http://localhost:1/", "X-Linked-Etag", "a".repeat(64),
                "X-Linked-Size", "900000000000000000"));
        fails(cache + " has room for ", "HF_HUB_CACHE");
        assertEquals(List.of(), server.deliveriesSeen());
    }

    @Test
    void twoPullsOfAFileDoNotMix() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        server.deliveries.add(exchange -> {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            TestHub.send(exchange, 200, WEIGHTS);
        });
        CompletableFuture<Path> first = CompletableFuture.supplyAsync(this::pull);
        begun.await();
        fails("another pull of model.gguf is under way");
        go.countDown();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(first.get()));
        arrivesWhole();
    }

    @Test
    void anInterruptedPullLeavesWhatItHas() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        server.deliveries.add(exchange -> {
            exchange.sendResponseHeaders(200, WEIGHTS.length);
            exchange.getResponseBody().write(WEIGHTS, 0, 2000);
            exchange.getResponseBody().flush();
            sleep(1000);
        });
        server.deliveries.add(TestHub.status(503, "Retry-After", "60"));
        CompletableFuture<String> message = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                pull();
            } catch (HubException e) {
                message.complete(e.getMessage());
            }
            never.countDown();
        });
        thread.start();
        while (server.deliveriesSeen().size() < 2) {
            Thread.sleep(10);
        }
        Thread.sleep(100);
        thread.interrupt();
        assertEquals("the download was interrupted; pulling again resumes it", message.get());
        never.await();
        arrivesWhole();
        assertEquals("bytes=2000-", ranges().getLast());
    }

    @Test
    void aHostThatIsNotThereIsNamed() {
        server.close();
        String refused = assertThrows(HubException.class, this::pull).getMessage();
        assertTrue(refused.contains("cannot get org/model from localhost: it refuses connections"), refused);
        HubSettings unknown = settings("http://no.such.host.invalid");
        String message = assertThrows(HubException.class, () -> new Hub(unknown).pull("org/model", PullListener.NONE)).getMessage();
        assertTrue(message.contains("its address cannot be found; check the connection"), message);
    }
}
