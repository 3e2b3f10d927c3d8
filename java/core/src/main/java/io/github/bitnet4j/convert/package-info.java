/** A model file with its ternary weights in another format. */
package io.github.bitnet4j.convert;
