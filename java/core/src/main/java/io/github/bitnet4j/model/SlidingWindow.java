package io.github.bitnet4j.model;

import java.util.List;

/**
 * Layers in which a token sees only the last positions before it, and RoPE has a base of its own, as in Gemma 3
 * (arXiv:2503.19786).
 *
 * @param positions that a token sees, its own the last of them
 * @param layers    for each layer, whether it is one of these
 * @param ropeTheta base of the rotation's frequencies in them, which no scaling divides
 */
public record SlidingWindow(int positions, List<Boolean> layers, double ropeTheta) {
    public SlidingWindow {
        layers = List.copyOf(layers);
    }
}
