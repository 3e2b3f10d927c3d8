/**
 * GGUF files: validated header and tensor slices of one memory map, and a writer.
 * Knows no model, no tokenizer and no native code.
 */
package io.github.bitnet4j.gguf;
