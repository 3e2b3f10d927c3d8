package io.github.bitnet4j.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a hub calls the etag of a file and a cache the name of its blob: SHA-256 of a large file, and for a small one the
 * id that git gives it, which is SHA-1 of {@code "blob " + length + "\0" + content}.
 *
 * @param hex 64 or 40 hexadecimal digits
 */
record Checksum(String hex) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

    /** From the value of a header, in quotes or not, weak or not; empty if it is no checksum. */
    static Optional<Checksum> ofEtag(String etag) {
        String hex = etag.replaceFirst("^W/", "").replaceAll("^\"|\"$", "");
        return HEX.matcher(hex).matches() ? Optional.of(new Checksum(hex)) : Optional.empty();
    }

    boolean isGitId() {
        return hex.length() == 40;
    }

    /** A digest that has read all that comes before the file's {@code size} bytes. */
    MessageDigest begin(long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance(isGitId() ? "SHA-1" : "SHA-256");
            if (isGitId()) {
                digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1 and SHA-256", e);
        }
    }

    boolean isOf(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest()).equals(hex);
    }
}
