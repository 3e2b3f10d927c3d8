/** JMH benchmarks of the kernels on the shapes of published models. */
package io.github.bitnet4j.bench;
