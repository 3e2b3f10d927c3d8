/** What every room may throw; everything else lives in a room of its own. */
package io.github.bitnet4j;
