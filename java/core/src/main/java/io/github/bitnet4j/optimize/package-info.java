/**
 * Rewrites a model file in the layouts that run fastest. Exact: codes and scales stay what they are, and so does the head
 * unless it is to be quantised.
 */
package io.github.bitnet4j.optimize;
