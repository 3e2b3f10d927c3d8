/**
 * One class an architecture: metadata and tensor slices become a layer loop, written as calls of native kernels.
 * The only room that calls the bindings.
 */
package io.github.bitnet4j.model;
