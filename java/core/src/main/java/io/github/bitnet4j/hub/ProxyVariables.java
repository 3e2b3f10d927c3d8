package io.github.bitnet4j.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Proxies as {@code https_proxy}, {@code http_proxy}, {@code all_proxy} and {@code no_proxy} name them, in either case. Java
 * tells a proxy of https hosts a password only in a process whose property
 * {@code jdk.http.auth.tunneling.disabledSchemes} is empty.
 */
public final class ProxyVariables extends ProxySelector {
    private final Map<String, String> variables;

    /** @param variables of the environment */
    public ProxyVariables(Map<String, String> variables) {
        this.variables = variables;
    }

    @Override
    public List<Proxy> select(URI uri) {
        return List.of(proxy(uri)
                .map(proxy -> new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port(proxy))))
                .orElse(Proxy.NO_PROXY));
    }

    /** The proxy's URL, empty for none. */
    private Optional<URI> proxy(URI target) {
        return excepted(target) ? Optional.empty()
                : value(target.getScheme() + "_proxy").or(() -> value("all_proxy")).map(ProxyVariables::parsed);
    }

    /** What the proxy on the way to a URL wants to hear, if the variable gives a name and a password. */
    Optional<String> authorization(URI target) {
        return proxy(target).map(URI::getUserInfo)
                .map(user -> "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
    }

    /** A name of no_proxy stands for the host and everything below it; a port, if given, must be the same; * is all hosts. */
    private boolean excepted(URI target) {
        String host = target.getHost().toLowerCase(Locale.ROOT);
        for (String entry : value("no_proxy").orElse("").toLowerCase(Locale.ROOT).split("[,\\s]+")) {
            String[] parts = entry.replaceFirst("^\\*?\\.", "").split(":", 2);
            boolean name = host.equals(parts[0]) || !parts[0].isEmpty() && host.endsWith("." + parts[0]);
            if (entry.equals("*") || name && (parts.length == 1 || parts[1].equals(Integer.toString(port(target))))) {
                return true;
            }
        }
        return false;
    }

    private Optional<String> value(String name) {
        return Stream.of(name, name.toUpperCase(Locale.ROOT)).map(variables::get)
                .filter(value -> value != null && !value.isBlank()).findFirst();
    }

    private static URI parsed(String text) {
        try {
            URI uri = URI.create(text.contains("://") ? text.strip() : "http://" + text.strip());
            if (uri.getHost() != null && uri.getScheme().equals("http")) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // said below, without the password that it may hold
        }
        throw new HubException("the proxy of the environment cannot be used: https_proxy must be http://HOST:PORT");
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        // the request reports it
    }
}
