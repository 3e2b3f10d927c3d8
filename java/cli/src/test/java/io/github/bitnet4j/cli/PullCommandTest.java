package io.github.bitnet4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.bitnet4j.hub.HubSettings;
import io.github.bitnet4j.hub.ProxyVariables;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bundled model, published on a hub of this machine: pulled, run by name, listed and removed. */
class PullCommandTest {
    private static final String COMMIT = "b".repeat(40);

    @TempDir
    private Path cache;
    private HttpServer server;
    private HubSettings hub;

    @BeforeEach
    void publish() throws IOException {
        byte[] model = Files.readAllBytes(Cli.HOME.resolve("models/shakespeare.gguf"));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/models/", exchange -> answer(exchange,
                ("{\"sha\": \"" + COMMIT + "\", \"siblings\": [{\"rfilename\": \"ggml-model-i2_s.gguf\"}]}").getBytes(StandardCharsets.UTF_8)));
        for (String repository : new String[] {"bard/shakespeare", "microsoft/bitnet-b1.58-2B-4T-gguf"}) {
            server.createContext("/" + repository + "/resolve/" + COMMIT + "/ggml-model-i2_s.gguf", exchange -> {
                exchange.getResponseHeaders().add("ETag", "\"" + sha256(model) + "\"");
                answer(exchange, model);
            });
        }
        server.start();
        hub = settings("http://localhost:" + server.getAddress().getPort());
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private HubSettings settings(String endpoint) {
        return new HubSettings(URI.create(endpoint), cache, Optional.empty(), false, new ProxyVariables(Map.of()),
                Duration.ofMillis(1), Duration.ofSeconds(10));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static void answer(HttpExchange exchange, byte[] content) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (head) {
            exchange.getResponseHeaders().add("Content-Length", Integer.toString(content.length));
        }
        exchange.sendResponseHeaders(200, head ? -1 : content.length);
        if (!head) {
            exchange.getResponseBody().write(content);
        }
        exchange.close();
    }

    private Cli bitnet(String... arguments) {
        return Cli.runWithHub(hub, "", arguments);
    }

    private Cli ok(String... arguments) {
        Cli result = bitnet(arguments);
        assertEquals(0, result.status(), result.err());
        return result;
    }

    @Test
    void aModelIsPulledRunListedAndRemoved() {
        Cli before = bitnet("run", "-m", "bard/shakespeare", "-p", "x");
        assertEquals(1, before.status());
        assertTrue(before.err().contains("'bitnet pull bard/shakespeare' fetches it"), before.err());

        JsonNode pulled = ok("pull", "bard/shakespeare", "--json").json();
        Path path = cache.resolve("models--bard--shakespeare/snapshots").resolve(COMMIT).resolve("ggml-model-i2_s.gguf");
        assertEquals(path.toString(), pulled.get("path").asText());
        assertEquals(COMMIT, pulled.get("commit").asText());
        assertEquals(path + "\n", ok("pull", "bard/shakespeare").out());

        String[] run = {"run", "-p", "ROMEO:", "-n", "8", "--temp", "0", "--json"};
        String[] named = {"run", "-p", "ROMEO:", "-n", "8", "--temp", "0", "--json", "-m", "bard/shakespeare"};
        assertEquals(Cli.ok(run).json().get("ids"), ok(named).json().get("ids"));

        JsonNode listed = ok("list", "--json").json();
        assertEquals(1, listed.size());
        assertEquals("bard/shakespeare/ggml-model-i2_s.gguf", listed.get(0).get("reference").asText());
        assertTrue(ok("list").out().contains("2.33 MB"), ok("list").out());

        assertEquals(2, bitnet("rm", "bard/shakespeare").status());
        assertEquals(1, Cli.runWithHub(hub, "n\n", "rm", "bard/shakespeare").status());
        assertTrue(Files.exists(path));
        Cli removed = Cli.runWithHub(hub, "y\n", "rm", "bard/shakespeare");
        assertEquals(0, removed.status(), removed.err());
        assertTrue(removed.err().contains(path.toString()) && removed.err().contains("2.33 MB are free again"), removed.err());
        assertFalse(Files.exists(cache.resolve("models--bard--shakespeare")));
        assertEquals(1, bitnet("rm", "bard/shakespeare", "--yes").status());
        assertEquals("", ok("list").out());
    }

    @Test
    void everyCommandThatTakesAModelTakesItsName() {
        String fast = cache.resolve("fast.gguf").toString();
        Cli before = bitnet("optimize", "bard/shakespeare", "-o", fast);
        assertTrue(before.err().contains("'bitnet pull bard/shakespeare' fetches it"), before.err());
        ok("pull", "bard/shakespeare");
        assertTrue(ok("inspect", "bard/shakespeare").out().contains("68 tensors"));
        ok("optimize", "bard/shakespeare", "-o", fast, "--ffn", "dense");
        ok("convert", "bard/shakespeare", "-o", cache.resolve("tl1.gguf").toString(), "--type", "tl1");
        assertTrue(bitnet("convert", "bard/nothing", "-o", fast, "--type", "tl1").err().contains("'bitnet pull bard/nothing'"));
    }

    @Test
    void aNameOfTheCatalogueIsAModel() {
        Cli pulled = ok("pull", "bitnet-2b-4t");
        assertTrue(pulled.err().contains("bitnet-2b-4t has been published anew since the catalogue was written"), pulled.err());
        assertEquals("bitnet-2b-4t", ok("list", "--json").json().get(0).get("name").asText());
        ok("inspect", "-m", "bitnet-2b-4t");
        assertEquals(2330880, ok("rm", "bitnet-2b-4t", "--yes", "--json").json().get("freed").asLong());
    }

    @Test
    void whatExistsWins() throws IOException {
        ok("pull", "bard/shakespeare");
        Path folder = Files.createDirectories(cache.resolve("work"));
        Cli run = bitnet("run", "-m", folder.toString(), "-p", "x");
        assertTrue(run.err().contains("is a folder without config.json"), run.err());
        Cli missing = bitnet("run", "-m", "bard/shakespeare/other.gguf", "-p", "x");
        assertTrue(missing.err().contains("bard/shakespeare/other.gguf: there is no such file"), missing.err());
    }

    @Test
    void theCatalogueIsShown() {
        assertTrue(ok("list", "--catalogue").out().contains("microsoft/bitnet-b1.58-2B-4T-gguf"));
        JsonNode first = ok("list", "--catalogue", "--json").json().get(0);
        assertEquals(1187801280L, first.get("bytes").asLong());
        assertEquals(128009, first.get("stop_ids").get(1).asInt());
    }

    @Test
    void mistakesAreOneSentence() {
        for (String[] command : new String[][] {{"pull", "nonsense"}, {"pull", "bard/nothing"}, {"rm", "bard/nothing", "-y"}}) {
            Cli result = bitnet(command);
            assertEquals(1, result.status(), result.err());
            assertTrue(result.err().startsWith("bitnet: error: ") && result.err().lines().count() == 1, result.err());
        }
        hub = settings("http://localhost:1");
        assertTrue(bitnet("pull", "bard/shakespeare").err().contains("it refuses connections"), "no server");
    }
}
