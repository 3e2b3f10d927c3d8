/**
 * What {@code bitnet bench} does: measuring models and kernels, comparing with other programs, drawing and reporting. It knows
 * the library and nothing of command lines; {@code BenchCommand} is its only caller.
 */
package io.github.bitnet4j.cli.bench;
