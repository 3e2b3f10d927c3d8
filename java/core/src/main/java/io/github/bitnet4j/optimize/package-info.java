/** Rewrites a model file in the layouts that run fastest. Exact: codes and scales stay what they are. */
package io.github.bitnet4j.optimize;
