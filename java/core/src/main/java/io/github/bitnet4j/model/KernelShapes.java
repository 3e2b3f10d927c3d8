package io.github.bitnet4j.model;

import io.github.bitnet4j.model.KernelTrial.Shape;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The shapes at which a model of these sizes runs the kernels of the table.
 *
 * @param hidden      width of the residual stream
 * @param feedForward width of the feed-forward layer
 * @param heads       query heads
 * @param kvHeads     key/value heads
 * @param headDim     width of a head
 * @param vocabulary  token ids
 */
public record KernelShapes(long hidden, long feedForward, long heads, long kvHeads, long headDim, long vocabulary) {
    /** Of a head or a table of embeddings: as many rows as say how fast it goes, and fit into 256 MB. */
    private static final long HEAD_ROWS = 16_384;
    private static final long POSITIONS = 4096;

    /** Single rows, as in decode, and several, as in prompts. */
    public List<Shape> of(Cpu.Kernel kernel) {
        return switch (kernel.operation()) {
            case "gemv" -> linears(kernel.format().equals("i2_c") ? List.of(1.0, 0.25) : List.of(1.0), 1);
            case "gemv_rows" -> linears(List.of(0.25), 1);
            case "unpack", "pack_weights", "gemv_tables", "unpack_tiles", "verify" -> linears(List.of(1.0), 1);
            case "tables" -> List.of(new Shape(1, hidden, 1), new Shape(1, feedForward, 1));
            case "pack_tokens" -> List.of(new Shape(1, hidden, 64), new Shape(1, feedForward, 64));
            case "gemm" -> linears(List.of(1.0), 2, 8, 32, 128);
            case "gemm_packed" -> linears(List.of(1.0), 16, 64);
            case "matmul" -> List.of(head(1, 1), head(16, 1));
            case "matmul_rows" -> List.of(head(1, 0.01));
            case "embed" -> List.of(head(1, 1), head(256, 1));
            case "coarse" -> List.of(new Shape(vocabulary, hidden, 1), new Shape(vocabulary, hidden, 4));
            case "bit_sum" -> List.of(new Shape(vocabulary, hidden, 1, 0.1));
            case "coarse_pack" -> List.of(head(1, 1));
            case "rms_norm", "epilogue" -> rows(hidden);
            case "quantize" -> rows(hidden, feedForward);
            case "glu" -> rows(feedForward);
            case "softmax" -> rows(vocabulary);
            case "rope" -> List.of(new Shape(heads, headDim, 1), new Shape(heads, headDim, 256));
            case "store_kv" -> List.of(new Shape(kvHeads, headDim, 1), new Shape(kvHeads, headDim, 256));
            case "attention" -> List.of(positions(heads / kvHeads), positions(32));
            case "peak" -> List.of(new Shape(1, 1, 1));
            default -> List.of(positions(heads / kvHeads));
        };
    }

    private List<Shape> linears(List<Double> densities, long... counts) {
        long width = heads * headDim;
        Set<Shape> shapes = new LinkedHashSet<>();
        for (long n : counts) {
            for (double density : densities) {
                shapes.add(new Shape(width, hidden, n, density));
                shapes.add(new Shape(kvHeads * headDim, hidden, n, density));
                shapes.add(new Shape(hidden, width, n, density));
                shapes.add(new Shape(feedForward, hidden, n, density));
                shapes.add(new Shape(hidden, feedForward, n, density));
            }
        }
        return List.copyOf(shapes);
    }

    private Shape head(long n, double density) {
        return new Shape(Math.min(vocabulary, HEAD_ROWS), hidden, n, density);
    }

    private static List<Shape> rows(long... widths) {
        List<Shape> shapes = new ArrayList<>();
        for (long width : widths) {
            shapes.add(new Shape(1, width, 1));
            shapes.add(new Shape(1, width, 256));
        }
        return shapes;
    }

    private Shape positions(long queries) {
        return new Shape(POSITIONS, headDim, Math.max(1, Math.min(32, queries)));
    }
}
