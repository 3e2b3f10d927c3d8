/**
 * The program {@code bitnet}: one picocli command a file, each thin over the api. Nothing here computes.
 * Results go to standard output, everything else to standard error; a command starts only the classes it needs, because
 * the time to the first token counts.
 */
package io.github.bitnet4j.cli;
