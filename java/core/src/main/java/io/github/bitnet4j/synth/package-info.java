/**
 * Random ternary models of any shape, as GGUF files in the layout of the published ones: for tests, benchmarks and
 * measurements where no trained model is needed. Knows file formats, and no model code.
 */
package io.github.bitnet4j.synth;
