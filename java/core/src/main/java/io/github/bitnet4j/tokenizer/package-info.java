/**
 * Text to token ids and back. Knows no model, no file format and no native code.
 */
package io.github.bitnet4j.tokenizer;
