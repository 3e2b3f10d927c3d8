package io.github.bitnet4j.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * A hub with the repository {@code org/model}, and the host that delivers its large files, on two ports of this machine. They
 * behave well unless the next answer is replaced.
 */
final class TestHub implements AutoCloseable {
    static final String REPOSITORY = "org/model";
    /** Files from this size on are stored by SHA-256 and delivered by the other host. */
    static final int LARGE = 1000;

    /** What a server does with a request. */
    interface Answer {
        void give(HttpExchange exchange) throws IOException;
    }

    record Seen(String host, String method, String path, Map<String, List<String>> headers) {
        Optional<String> header(String name) {
            return headers.entrySet().stream().filter(e -> e.getKey().equalsIgnoreCase(name)).map(e -> e.getValue().getFirst())
                    .findFirst();
        }
    }

    final Map<String, byte[]> files = new TreeMap<>();
    String commit = "c".repeat(40);
    /** Answers that come before the good ones. */
    final Deque<Answer> hubAnswers = new ConcurrentLinkedDeque<>();
    final Deque<Answer> deliveries = new ConcurrentLinkedDeque<>();
    final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer hub = server("hub", hubAnswers, this::hub);
    private final HttpServer delivery = server("delivery", deliveries, this::deliver);

    private HttpServer server(String host, Deque<Answer> answers, Answer good) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(threads);
            server.createContext("/", exchange -> {
                seen.add(new Seen(host, exchange.getRequestMethod(), exchange.getRequestURI().getPath(),
                        new TreeMap<>(exchange.getRequestHeaders())));
                Answer own = answers.poll();
                try {
                    (own == null ? good : own).give(exchange);
                } finally {
                    exchange.close();
                }
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    HubSettings settings(Path cache) {
        return settings(cache, "http://localhost:" + hubPort(), new ProxyVariables(Map.of()), Duration.ofSeconds(60));
    }

    static HubSettings settings(Path cache, String endpoint, ProxyVariables proxies, Duration stall) {
        return new HubSettings(URI.create(endpoint), cache, Optional.of("hf_secret"), false, proxies, Duration.ofMillis(1), stall);
    }

    int hubPort() {
        return hub.getAddress().getPort();
    }

    private void hub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.startsWith("/api/models/" + REPOSITORY + "/revision/")) {
            listing().give(exchange);
            return;
        }
        String prefix = "/" + REPOSITORY + "/resolve/" + commit + "/";
        byte[] content = path.startsWith(prefix) ? files.get(path.substring(prefix.length())) : null;
        if (content == null) {
            status(404, "X-Error-Code", path.startsWith(prefix) ? "EntryNotFound" : "RepoNotFound").give(exchange);
        } else if (content.length < LARGE) {
            exchange.getResponseHeaders().add("ETag", "\"" + etag(content) + "\"");
            send(exchange, 200, content);
        } else {
            exchange.getResponseHeaders().add("X-Linked-Etag", "\"" + etag(content) + "\"");
            exchange.getResponseHeaders().add("X-Linked-Size", Integer.toString(content.length));
            exchange.getResponseHeaders().add("Location",
                    "http://localhost:" + delivery.getAddress().getPort() + "/" + path.substring(prefix.length()) + "?signature=s");
            exchange.sendResponseHeaders(302, -1);
        }
    }

    /** The commit and the names of the files. */
    Answer listing() {
        return exchange -> send(exchange, 200, ("{\"sha\": \"" + commit + "\", \"siblings\": [" + files.keySet().stream()
                .map(name -> "{\"rfilename\": \"" + name + "\"}").collect(Collectors.joining(", ")) + "]}")
                .getBytes(StandardCharsets.UTF_8));
    }

    private void deliver(HttpExchange exchange) throws IOException {
        content(files.get(exchange.getRequestURI().getPath().substring(1)), "\"v1\"").give(exchange);
    }

    /** Content as a good server sends it. */
    static Answer content(byte[] content, String etag) {
        return exchange -> {
            String range = exchange.getRequestHeaders().getFirst("Range");
            String condition = exchange.getRequestHeaders().getFirst("If-Range");
            exchange.getResponseHeaders().add("ETag", etag);
            if (range == null || condition != null && !condition.equals(etag)) {
                send(exchange, 200, content);
            } else {
                int from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
                exchange.getResponseHeaders().add("Content-Range",
                        "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
                send(exchange, 206, Arrays.copyOfRange(content, from, content.length));
            }
        };
    }

    /** Begins at the asked offset and ends the connection after {@code count} bytes. */
    static Answer cut(byte[] content, int count, String etag) {
        return exchange -> {
            String range = exchange.getRequestHeaders().getFirst("Range");
            int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
            exchange.getResponseHeaders().add("ETag", etag);
            exchange.getResponseHeaders().add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
            exchange.getResponseBody().write(content, from, Math.min(count, content.length - from - 1));
            exchange.getResponseBody().flush();
        };
    }

    /** A status without a body; headers as names and values. */
    static Answer status(int status, String... headers) {
        return exchange -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
        };
    }

    static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().add("Content-Length", Integer.toString(content.length));
            exchange.sendResponseHeaders(status, -1);
        } else {
            exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
            exchange.getResponseBody().write(content);
        }
    }

    /** SHA-256, or git's id for a small file; computed here by another way than in the code that is tested. */
    static String etag(byte[] content) {
        try {
            boolean large = content.length >= LARGE;
            MessageDigest digest = MessageDigest.getInstance(large ? "SHA-256" : "SHA-1");
            if (!large) {
                digest.update(("blob " + content.length).getBytes(StandardCharsets.US_ASCII));
                digest.update((byte) 0);
            }
            return HexFormat.of().formatHex(digest.digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    List<Seen> deliveriesSeen() {
        return seen.stream().filter(request -> request.host().equals("delivery")).toList();
    }

    @Override
    public void close() {
        hub.stop(0);
        delivery.stop(0);
        threads.shutdownNow();
    }
}
