package io.github.bitnet4j.cli;

import io.github.bitnet4j.api.BitNetModel;
import io.github.bitnet4j.api.Session;
import io.github.bitnet4j.gguf.GgmlType;
import io.github.bitnet4j.gguf.GgufTensor;
import io.github.bitnet4j.model.Crossovers;
import io.github.bitnet4j.model.Kernels;
import java.util.Arrays;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/**
 * Finds from how many rows of activations on each way of multiplying wins: passes of that many rows in both ways, one after
 * the other, and of the numbers tried the least at which the later way is faster. What a model has no weights for is left.
 */
final class CrossoverSearch {
    private static final int[] LOOKED_UP = {2, 3, 4, 5, 6, 8, 10, 12, 14, 16};
    private static final int[] UNPACKED = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48};
    private static final int[] PACKED = {8, 16, 24, 32, 40, 48, 64, 96, 128};
    private static final int ROUNDS = 3;

    private final Kernels kernels;
    private final Session session;
    private final int[] tokens;
    private final Set<GgmlType> types;
    private final LongConsumer progress;

    /**
     * @param session  with room for all tokens
     * @param tokens   at least as many as are tried
     * @param progress hears the number of rows that are tried next
     */
    CrossoverSearch(BitNetModel model, Session session, int[] tokens, LongConsumer progress) {
        kernels = model.kernels();
        this.session = session;
        this.tokens = tokens;
        types = model.file().tensors().stream().map(GgufTensor::type).collect(Collectors.toSet());
        this.progress = progress;
    }

    Crossovers search() {
        Crossovers best = kernels.crossovers();
        if (types.contains(GgmlType.I2_R16) || types.contains(GgmlType.I2_C) || types.contains(GgmlType.B3_R80)) {
            Crossovers unpacked = best.withPack(Crossovers.NEVER);
            best = best.withUnpack(least(UNPACKED, unpacked.withUnpack(Crossovers.NEVER), unpacked.withUnpack(2), Crossovers.NEVER));
        }
        if (types.contains(GgmlType.TL1) || types.contains(GgmlType.TL2)) {
            Crossovers unpacked = best.withPack(Crossovers.NEVER);
            long never = Crossovers.MOST_LOOK_UPS + 1;
            best = best.withUnpackTables(least(LOOKED_UP, unpacked.withUnpackTables(never), unpacked.withUnpackTables(2), never));
        }
        if (!kernels.kernel("gemm_packed", "i2_s").equals("none")) {
            best = best.withPack(least(PACKED, best.withPack(Crossovers.NEVER), best.withPack(2), Crossovers.NEVER));
        }
        return best;
    }

    /** The least of these numbers of rows at which the later way wins, as it then does at all larger ones, or {@code never}. */
    private long least(int[] rows, Crossovers earlier, Crossovers later, long never) {
        int from = 0;
        int to = rows.length;
        while (from < to) {
            int middle = (from + to) / 2;
            if (wins(later, earlier, rows[middle])) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        return from < rows.length ? rows[from] : never;
    }

    private boolean wins(Crossovers later, Crossovers earlier, int rows) {
        progress.accept(rows);
        long bestLater = Long.MAX_VALUE;
        long bestEarlier = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            bestEarlier = Math.min(bestEarlier, nanos(earlier, rows));
            bestLater = Math.min(bestLater, nanos(later, rows));
        }
        return bestLater < bestEarlier;
    }

    private long nanos(Crossovers crossovers, int rows) {
        kernels.setCrossovers(crossovers);
        session.rewind(0);
        long before = System.nanoTime();
        session.evaluate(Arrays.copyOf(tokens, rows), rows - 1, (index, logits) -> {});
        return System.nanoTime() - before;
    }
}
