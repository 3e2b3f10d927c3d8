package io.github.bitnet4j.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Variables mean what they mean to other Hugging Face tools, and to other programs that use proxies. */
class HubSettingsTest {
    @TempDir
    private Path home;

    private HubSettings of(String... variables) {
        return HubSettings.of(map(variables), home);
    }

    private static Map<String, String> map(String... variables) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < variables.length; i += 2) {
            map.put(variables[i], variables[i + 1]);
        }
        return map;
    }

    @Test
    void theCache() {
        assertEquals(home.resolve(".cache/huggingface/hub"), of().cache());
        assertEquals(Path.of("/x/huggingface/hub"), of("XDG_CACHE_HOME", "/x").cache());
        assertEquals(Path.of("/h/hub"), of("HF_HOME", "/h", "XDG_CACHE_HOME", "/x").cache());
        assertEquals(Path.of("/c"), of("HF_HUB_CACHE", "/c", "HF_HOME", "/h").cache());
        assertEquals(home.resolve("hf/hub"), of("HF_HOME", "~/hf").cache());
    }

    @Test
    void theHubAndTheToken() throws IOException {
        assertEquals(URI.create("https://huggingface.co"), of().endpoint());
        assertEquals(URI.create("http://mirror:8080/hf"), of("HF_ENDPOINT", "http://mirror:8080/hf/").endpoint());
        assertTrue(assertThrows(HubException.class, () -> of("HF_ENDPOINT", "mirror")).getMessage().contains("'mirror'"));
        assertEquals(Optional.empty(), of().token());
        assertEquals(Optional.of("hf_a"), of("HF_TOKEN", " hf_a\n").token());
        Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(home.resolve(".cache/huggingface/token"), "hf_b\n");
        assertEquals(Optional.of("hf_b"), of().token());
        assertEquals(Optional.of("hf_a"), of("HF_TOKEN", "hf_a").token());
        String message = assertThrows(HubException.class, () -> of("HF_TOKEN", "hf_a\nhf_b")).getMessage();
        assertTrue(message.contains("HF_TOKEN has characters") && !message.contains("hf_a"), message);
        assertTrue(of("HF_HUB_OFFLINE", "yes").offline());
        assertFalse(of("HF_HUB_OFFLINE", "0").offline());
    }

    private static String proxy(String target, String... variables) {
        Proxy proxy = new ProxyVariables(map(variables)).select(URI.create(target)).getFirst();
        return proxy == Proxy.NO_PROXY ? "none" : ((InetSocketAddress) proxy.address()).getHostString() + ":"
                + ((InetSocketAddress) proxy.address()).getPort();
    }

    @Test
    void proxies() {
        String hub = "https://huggingface.co/x";
        assertEquals("none", proxy(hub));
        assertEquals("p:3128", proxy(hub, "https_proxy", "http://p:3128"));
        assertEquals("p:80", proxy(hub, "HTTPS_PROXY", "p"));
        assertEquals("q:1", proxy(hub, "ALL_PROXY", "http://q:1/", "http_proxy", "http://p:3128"));
        assertEquals("none", proxy(hub, "https_proxy", "http://p:1", "no_proxy", "localhost, .huggingface.co"));
        assertEquals("none", proxy("https://cdn.huggingface.co", "https_proxy", "http://p:1", "NO_PROXY", "huggingface.co:443"));
        assertEquals("none", proxy(hub, "https_proxy", "http://p:1", "no_proxy", "*"));
        assertEquals("p:1", proxy(hub, "https_proxy", "http://p:1", "no_proxy", "face.co,huggingface.co:80"));
        String message = assertThrows(HubException.class, () -> proxy(hub, "https_proxy", "socks5://u:secret@p:1")).getMessage();
        assertFalse(message.contains("secret"), message);
    }

    /** The test's hub stands in for the proxy: it is asked for whole URLs, and for a password. */
    @Test
    void aProxyIsUsedAndToldItsPassword() throws IOException {
        try (TestHub proxy = new TestHub()) {
            byte[] weights = HubTest.bytes(500, 1);
            proxy.files.put("model.gguf", weights);
            Map<String, String> variables = map("http_proxy", "http://user:pass@localhost:" + proxy.hubPort());
            HubSettings settings = TestHub.settings(home, "http://hub.invalid", new ProxyVariables(variables), Duration.ofSeconds(60));
            assertArrayEquals(weights, Files.readAllBytes(new Hub(settings).pull("org/model", PullListener.NONE).path()));
            String credentials = Base64.getEncoder().encodeToString("user:pass".getBytes(StandardCharsets.UTF_8));
            assertEquals(Optional.of("Basic " + credentials), proxy.seen.getLast().header("Proxy-Authorization"));
            assertEquals(Optional.of("hub.invalid"), proxy.seen.getLast().header("Host"));
            proxy.hubAnswers.add(TestHub.status(407, "Proxy-Authenticate", "Basic realm=\"proxy\""));
            HubSettings silent = TestHub.settings(home, "http://hub.invalid",
                    new ProxyVariables(map("http_proxy", "localhost:" + proxy.hubPort())), Duration.ofSeconds(60));
            String message = assertThrows(HubException.class, () -> new Hub(silent).pull("org/model", PullListener.NONE)).getMessage();
            assertTrue(message.contains("the proxy asks for a name and a password"), message);
        }
    }

    @Test
    void aProxyThatDoesNotConnectIsNamed() throws IOException {
        AtomicReference<String> answer = new AtomicReference<>();
        try (ServerSocket proxy = new ServerSocket(0, 0, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                while (!proxy.isClosed()) {
                    try (Socket socket = proxy.accept()) {
                        socket.getInputStream().read(new byte[4096]);
                        socket.getOutputStream().write(("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException e) {
                        // the client or the test has gone
                    }
                }
            });
            HubSettings settings = TestHub.settings(home, "https://hub.invalid",
                    new ProxyVariables(map("https_proxy", "http://localhost:" + proxy.getLocalPort())), Duration.ofSeconds(60));
            Map<String, String> sentences = Map.of("407 Authenticate", "the proxy asks for a name and a password",
                    "403 Forbidden", "cannot get org/model from hub.invalid: the proxy answered 403, 5 times");
            sentences.forEach((status, part) -> {
                answer.set(status);
                String message = assertThrows(HubException.class, () -> new Hub(settings).pull("org/model", PullListener.NONE)).getMessage();
                assertTrue(message.contains(part), message);
            });
        }
    }

    @Test
    void references() {
        assertEquals(Optional.of(new ModelReference("a/b", Optional.empty(), Optional.empty())), Hub.reference("a/b"));
        assertEquals(Optional.of(new ModelReference("a/b", Optional.of("c/d.gguf"), Optional.of("refs/pr/1"))),
                Hub.reference("a/b/c/d.gguf@refs/pr/1"));
        assertEquals("microsoft/bitnet-b1.58-2B-4T-gguf/ggml-model-i2_s.gguf@v1", Hub.reference("bitnet-2b-4t@v1").orElseThrow().toString());
        for (String none : List.of("", "x", "/a/b", "../a/b", "a/b/../c", "a/b@..", "a/b@", "a/b/", "a\\b/c", "./a", "models/.hidden")) {
            assertEquals(Optional.empty(), Hub.reference(none), none);
        }
    }

    @Test
    void theCatalogueIsSound() {
        List<CatalogueEntry> entries = Catalogue.entries();
        assertTrue(entries.size() >= 18);
        assertEquals(entries.size(), entries.stream().map(CatalogueEntry::name).distinct().count());
        for (CatalogueEntry entry : entries) {
            assertEquals(Optional.of(entry.reference()), ModelReference.parse(entry.reference().toString()));
            assertEquals(Optional.of(entry.reference()), Hub.reference(entry.name()));
            assertTrue(entry.sha256().orElse("a".repeat(64)).matches("[0-9a-f]{64}"), entry.name());
            assertTrue(entry.bytes().orElse(1) > 0 && (entry.file().isPresent() || entry.bytes().isEmpty()), entry.name());
        }
    }
}
