/** Checkpoints in the layout of Hugging Face folders, and how they become GGUF files. */
package io.github.bitnet4j.huggingface;
