package io.github.bitnet4j.api;

/**
 * One generated token.
 *
 * @param id   the token
 * @param text the text that this token completed; empty while a character or a possible stop string is still open
 */
public record GeneratedToken(int id, String text) {}
