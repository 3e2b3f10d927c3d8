package io.github.bitnet4j.api;

import java.util.Set;

/**
 * Facts about an open model.
 *
 * @param name          {@code general.name}, or the file's name
 * @param architecture  {@code general.architecture}
 * @param generates     whether it can go on with a text; if not, it is a model for embeddings
 * @param fileBytes     size of the mapped file
 * @param parameters    weights in all tensors
 * @param layers        transformer blocks
 * @param hidden        width of the residual stream
 * @param vocabulary    token ids, 0 to vocabulary - 1
 * @param contextLength positions that the model was trained for
 * @param kvBytes       bytes of keys and values of one position
 * @param decodeBytes   bytes of weights that one decoded token reads, those of the head included
 * @param headBytes     bytes that the output head reads for it: its weights, or their coarse copy where the head works in
 *                      two passes, which then also reads some rows of the weights
 * @param stopIds       ids that end a text
 */
public record ModelInfo(String name, String architecture, boolean generates, long fileBytes, long parameters, int layers,
                        int hidden, int vocabulary, int contextLength, long kvBytes, long decodeBytes, long headBytes,
                        Set<Integer> stopIds) {}
