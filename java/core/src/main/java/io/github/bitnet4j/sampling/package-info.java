/**
 * Logits to a token id. Pure Java; knows no model and no native code.
 */
package io.github.bitnet4j.sampling;
