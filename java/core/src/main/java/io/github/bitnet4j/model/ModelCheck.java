package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import io.github.bitnet4j.gguf.GgufTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Reads all of a file and names the first thing that no intact one holds: a weight that is none of -1, 0 and 1, a scale that
 * is no positive number, a norm or a table with something that is no finite number. Opening a model reads no table as a
 * whole; and changed weights that are still weights cannot be found.
 */
public final class ModelCheck {
    private static final int ROWS = 64;

    private final GgufFile file;
    private final Kernels kernels;

    private ModelCheck(GgufFile file, Kernels kernels) {
        this.file = file;
        this.kernels = kernels;
    }

    /**
     * Reads the file.
     *
     * @param layout   of ternary tensors, where the file does not say it
     * @param listener hears the bytes read
     * @throws BitNetException if it is damaged: the tensor, and what is wrong with it
     */
    public static void verify(GgufFile file, TernaryLayout layout, Kernels kernels, LoadListener listener) {
        ModelCheck check = new ModelCheck(file, kernels);
        long done = 0;
        for (GgufTensor tensor : file.tensors()) {
            if (tensor.hasData() && TernaryTensor.TYPES.contains(tensor.type())) {
                check.ternary(tensor, TernaryTensor.of(file, tensor, layout).matrix());
            } else if (tensor.hasData() && Weights.TABLES.contains(tensor.type())) {
                check.finite(tensor);
            }
            done += tensor.hasData() ? tensor.byteSize() : 0;
            listener.progress(done, file.size());
        }
    }

    private void ternary(GgufTensor tensor, Matrix matrix) {
        try (Arena arena = Arena.ofConfined()) {
            new Repacking(kernels, arena).runnable(matrix);
        } catch (BitNetException e) {
            throw new BitNetException(file.path() + ": tensor " + tensor.name() + ": " + e.getMessage(), e);
        }
    }

    private void finite(GgufTensor tensor) {
        long cols = tensor.cols();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = new Matrix(tensor.data(), tensor.type(), tensor.rows(), cols, Optional.empty()).describe(arena, 1);
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, ROWS);
            MemorySegment x = NativeMemory.floats(ROWS * cols, arena);
            for (long row = 0; row < tensor.rows(); row += ROWS) {
                int count = (int) Math.min(ROWS, tensor.rows() - row);
                for (int i = 0; i < count; i++) {
                    ids.setAtIndex(ValueLayout.JAVA_INT, i, (int) row + i);
                }
                kernels.embed(table, ids, count, 1, x);
                for (long i = 0; i < count * cols; i++) {
                    float value = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    if (!Float.isFinite(value)) {
                        throw new BitNetException(file.path() + ": tensor " + tensor.name() + " holds " + value + " in row "
                                + (row + i / cols) + ", column " + i % cols + "; the file is corrupt");
                    }
                }
            }
        }
    }
}
