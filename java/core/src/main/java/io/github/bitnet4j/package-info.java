/** What every room may throw, and how every room writes a file; everything else lives in a room of its own. */
package io.github.bitnet4j;
