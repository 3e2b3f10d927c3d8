package io.github.bitnet4j.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where models come from and where they are kept: what the {@code HF_*} variables say, which mean here what they mean to
 * the huggingface_hub library.
 *
 * @param endpoint the hub; {@code HF_ENDPOINT}, or https://huggingface.co
 * @param cache    the folder of {@code models--ORG--NAME}; {@code HF_HUB_CACHE}, {@code HF_HOME/hub} or
 *                 {@code ~/.cache/huggingface/hub}
 * @param token    tells the hub who asks; {@code HF_TOKEN}, or the file that {@code hf auth login} wrote
 * @param offline  whether the network is not to be used; {@code HF_HUB_OFFLINE}
 * @param proxies  how to reach a host; {@code https_proxy}, {@code http_proxy}, {@code all_proxy}, {@code no_proxy}
 * @param pause    before a failed request is tried again; doubled every time
 * @param stall    the longest time without a byte before a transfer counts as broken
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline, ProxyVariables proxies,
                          Duration pause, Duration stall) {
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

    public HubSettings {
        if (!token.orElse("x").matches("[!-~]+")) {
            throw new HubException("the token of HF_TOKEN has characters that no token has; set it anew");
        }
    }

    /** The settings of this process. */
    public static HubSettings ofProcess() {
        return of(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /**
     * Reads variables.
     *
     * @param home the user's folder
     * @throws HubException if one of them cannot be meant
     */
    static HubSettings of(Map<String, String> variables, Path home) {
        Path caches = path(variables, "XDG_CACHE_HOME", home).orElse(home.resolve(".cache"));
        Path folder = path(variables, "HF_HOME", home).orElse(caches.resolve("huggingface"));
        Path cache = path(variables, "HF_HUB_CACHE", home).or(() -> path(variables, "HUGGINGFACE_HUB_CACHE", home))
                .orElse(folder.resolve("hub"));
        Path tokenFile = path(variables, "HF_TOKEN_PATH", home).orElse(folder.resolve("token"));
        boolean offline = TRUE.contains(variables.getOrDefault("HF_HUB_OFFLINE", "").toUpperCase(Locale.ROOT));
        return new HubSettings(endpoint(value(variables, "HF_ENDPOINT").orElse("https://huggingface.co")), cache,
                value(variables, "HF_TOKEN").or(() -> token(tokenFile)), offline, new ProxyVariables(variables),
                Duration.ofSeconds(1), Duration.ofSeconds(30));
    }

    private static Optional<String> value(Map<String, String> variables, String name) {
        return Optional.ofNullable(variables.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    private static Optional<Path> path(Map<String, String> variables, String name, Path home) {
        return value(variables, name).map(value -> value.equals("~") || value.startsWith("~/")
                ? home.resolve(value.substring(Math.min(2, value.length()))) : Path.of(value));
    }

    private static URI endpoint(String text) {
        try {
            URI uri = URI.create(text.replaceAll("/+$", ""));
            if (uri.getHost() != null && Set.of("http", "https").contains(String.valueOf(uri.getScheme()))) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new HubException("HF_ENDPOINT is '" + text + "'; it must be a URL such as https://huggingface.co");
    }

    private static Optional<String> token(Path file) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readString(file).strip()).filter(token -> !token.isEmpty());
        } catch (IOException e) {
            throw new HubException("cannot read the token in " + file + ": " + Reasons.of(e) + "; set HF_TOKEN instead", e);
        }
    }

    /** The same, but for the token, which belongs in no log. */
    @Override
    public String toString() {
        return "HubSettings[endpoint=" + endpoint + ", cache=" + cache + ", token=" + (token.isPresent() ? "given" : "none")
                + ", offline=" + offline + "]";
    }
}
