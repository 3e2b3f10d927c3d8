package io.github.bitnet4j.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The protocol of a Hugging Face hub: which files a revision has, what they are, and their bytes, which another host
 * delivers to whom the hub sends there. The token goes to the hub only.
 */
final class HubClient implements AutoCloseable {
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);
    private static final int REDIRECTS = 10;
    private static final int PROXY_AUTHENTICATION = 407;
    private static final int RANGE_NOT_SATISFIABLE = 416;

    private final HubSettings settings;
    private final HttpClient http;

    /**
     * A revision of a repository.
     *
     * @param commit what the revision means now
     * @param files  their names
     */
    record Listing(String commit, List<String> files) {}

    HubClient(HubSettings settings) {
        this.settings = settings;
        http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(ANSWER_LIMIT).proxy(settings.proxies()).build();
    }

    /** The commit and the files of a revision. */
    Listing listing(ModelReference reference) {
        String what = reference.repository() + " from " + settings.endpoint().getHost();
        return patiently(what, () -> {
            URI uri = uri("/api/models/" + reference.repository() + "/revision/" + encoded(reference.revisionOrMain()));
            try (GuardedStream body = request("GET", uri, reference, Map.of()).body()) {
                return listing(new ObjectMapper().readTree(body), reference);
            } catch (JsonProcessingException e) {
                throw notAHub();
            }
        });
    }

    private Listing listing(JsonNode answer, ModelReference reference) {
        String commit = answer.path("sha").asText();
        List<String> files = new ArrayList<>();
        answer.path("siblings").forEach(file -> files.add(file.path("rfilename").asText()));
        if (!commit.matches("[0-9a-f]{40}")) {
            throw notAHub();
        }
        files.forEach(file -> ModelReference.requireInside(file, "file of " + reference.repository()));
        return new Listing(commit, List.copyOf(files));
    }

    private HubException notAHub() {
        return new HubException(settings.endpoint() + " does not answer like a Hugging Face hub; check HF_ENDPOINT");
    }

    /** Size and checksum of a file. */
    RemoteFile describe(ModelReference reference, String commit, String name) {
        return patiently(name + " from " + settings.endpoint().getHost(), () -> {
            HttpResponse<GuardedStream> response = request("HEAD", resolve(reference.repository(), commit, name), reference,
                    Map.of());
            response.body().close();
            String etag = header(response, "x-linked-etag").or(() -> header(response, "etag")).orElse("");
            String size = header(response, "x-linked-size").or(() -> header(response, "content-length")).orElse("");
            if (!size.matches("\\d{1,18}")) {
                throw new HubException(settings.endpoint() + " does not say how large " + name + " is; check HF_ENDPOINT");
            }
            return new RemoteFile(reference.repository(), commit, name, Long.parseLong(size), Checksum.ofEtag(etag)
                    .orElseThrow(() -> new HubException(settings.endpoint() + " gives no checksum of " + name + " (its etag is "
                            + (etag.isEmpty() ? "missing" : etag) + "), and without one no file is kept; check HF_ENDPOINT")));
        });
    }

    /**
     * The bytes of a file from {@code offset} on, or all of them if the server pleases: the status tells (206, 200, or 416 for
     * an offset that it does not like).
     *
     * @param validator etag that the server gave for the bytes before; empty if it is not known
     */
    HttpResponse<GuardedStream> open(RemoteFile file, long offset, String validator) throws IOException {
        Map<String, String> headers = new TreeMap<>();
        if (offset > 0) {
            headers.put("Range", "bytes=" + offset + "-");
        }
        if (offset > 0 && !validator.isEmpty()) {
            headers.put("If-Range", validator);
        }
        ModelReference reference = new ModelReference(file.repository(), Optional.of(file.name()), Optional.of(file.commit()));
        return request("GET", resolve(file.repository(), file.commit(), file.name()), reference, headers);
    }

    private URI resolve(String repository, String commit, String name) {
        return uri("/" + repository + "/resolve/" + commit + "/"
                + Stream.of(name.split("/")).map(HubClient::encoded).collect(Collectors.joining("/")));
    }

    private URI uri(String path) {
        return URI.create(settings.endpoint() + path);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** A request that may be repeated. */
    private interface Request<T> {
        T send() throws IOException;
    }

    private <T> T patiently(String what, Request<T> request) {
        Retries retries = new Retries(what, settings.pause());
        while (true) {
            try {
                return request.send();
            } catch (IOException e) {
                retries.failed(e);
            }
        }
    }

    /** Follows redirects, but none of an answer to HEAD that says already what is asked. */
    private HttpResponse<GuardedStream> request(String method, URI first, ModelReference reference, Map<String, String> headers)
            throws IOException {
        URI uri = first;
        for (int i = 0; i < REDIRECTS; i++) {
            HttpResponse<GuardedStream> response = send(method, uri, headers);
            int status = response.statusCode();
            boolean redirect = status >= 300 && status < 400;
            if (status == PROXY_AUTHENTICATION) { // which has no body if it answers to CONNECT
                throw new HubException("the proxy asks for a name and a password, or does not accept those it was given: put them "
                        + "into https_proxy as http://USER:PASSWORD@HOST:PORT");
            }
            if (status / 100 == 2 || status == RANGE_NOT_SATISFIABLE
                    || redirect && method.equals("HEAD") && header(response, "x-linked-etag").isPresent()) {
                return response;
            }
            response.body().close();
            if (!redirect) {
                throw failure(response, reference);
            }
            uri = target(response);
        }
        throw new HubException(first.getHost() + " redirects without end; check HF_ENDPOINT");
    }

    private URI target(HttpResponse<?> response) {
        URI from = response.uri();
        try {
            URI to = from.resolve(header(response, "location").orElse(""));
            boolean web = to.getHost() != null && List.of("http", "https").contains(to.getScheme());
            if (web && !(from.getScheme().equals("https") && to.getScheme().equals("http"))) {
                return to;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new HubException(from.getHost() + " redirects to where nothing can be fetched safely; check HF_ENDPOINT");
    }

    private HttpResponse<GuardedStream> send(String method, URI uri, Map<String, String> headers) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(ANSWER_LIMIT)
                .method(method, HttpRequest.BodyPublishers.noBody()).header("Accept-Encoding", "identity")
                .header("User-Agent", "bitnet4j");
        headers.forEach(request::header);
        if (isHub(uri)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        settings.proxies().authorization(uri).ifPresent(value -> request.header("Proxy-Authorization", value));
        try {
            return http.send(request.build(), answer -> HttpResponse.BodySubscribers.mapping(
                    HttpResponse.BodySubscribers.ofInputStream(), body -> new GuardedStream(body, settings.stall())));
        } catch (InterruptedException e) {
            throw Retries.interrupted(e);
        }
    }

    private boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return uri.getScheme().equals(hub.getScheme()) && uri.getHost().equalsIgnoreCase(hub.getHost())
                && uri.getPort() == hub.getPort();
    }

    /** What an answer other than success means: a failure that may pass, or one that lasts. */
    private IOException failure(HttpResponse<?> response, ModelReference reference) {
        int status = response.statusCode();
        String host = response.uri().getHost();
        if (status == 408 || status == 429 || status >= 500 || !isHub(response.uri())) {
            return new Retries.Passing(host + " answered " + status + (status == 429 ? " (too many requests)" : ""),
                    header(response, "retry-after").flatMap(HubClient::wait));
        }
        String error = header(response, "x-error-code").orElse("");
        String hub = settings.endpoint().toString();
        boolean known = settings.token().isPresent();
        throw new HubException(switch (status) {
            case 401 -> error.equals("RepoNotFound") || !known
                    ? hub + " shows no " + reference.repository() + (known ? " to this token" : " to the public")
                            + ": check the name, or set HF_TOKEN to a token that may read it"
                    : hub + " does not accept the token of HF_TOKEN; make a new one at " + hub + "/settings/tokens";
            case 403 -> reference.repository() + " may not be read" + (known ? " with this token" : " without a token")
                    + ": accept its terms at " + hub + "/" + reference.repository() + " and set HF_TOKEN to a token of yours";
            case 404 -> switch (error) {
                case "RevisionNotFound" -> reference.repository() + " has no revision " + reference.revisionOrMain();
                case "EntryNotFound" -> reference.repository() + " has no file " + reference.file().orElse("of this name");
                default -> "there is no " + reference.repository() + " at " + hub + "; 'bitnet list --catalogue' lists models";
            };
            default -> hub + " answered " + status + " to the request for " + reference;
        });
    }

    /** Of Retry-After: seconds, or a date. */
    private static Optional<Duration> wait(String value) {
        if (value.matches("\\d{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
        }
        try {
            Duration wait = Duration.between(Instant.now(),
                    ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
            return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    static Optional<String> header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name);
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }
}
