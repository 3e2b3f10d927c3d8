package io.github.bitnet4j.model;

import io.github.bitnet4j.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** A model of the engine, opened for a test: file, kernels and transformer together. */
final class Engine implements AutoCloseable {
    static final int POSITIONS = 512;

    private final GgufFile file;
    private final Kernels kernels;
    final BitNetTransformer transformer;

    private Engine(Path path, int threads, String isa, KvPrecision precision, HeadMode head) throws IOException {
        file = GgufFile.open(path);
        kernels = new Kernels(threads, isa);
        transformer = new BitNetTransformer(file, ModelConfig.read(file), kernels, 320, POSITIONS, precision, head,
                TernaryLayout.OF_THE_FILE);
    }

    Engine(Path path, int threads, String isa, KvPrecision precision) throws IOException {
        this(path, threads, isa, precision, HeadMode.EXACT);
    }

    Engine(Path path, KvPrecision precision) throws IOException {
        this(path, 2, "auto", precision);
    }

    Engine(Path path, HeadMode head) throws IOException {
        this(path, 2, "auto", KvPrecision.F16, head);
    }

    GgufFile file() {
        return file;
    }

    /** A token of a sequence at a position; its logits, or its state if there is no head, go to {@code logits[position]}. */
    record Row(KvCache cache, int token, int position, float[][] logits) {}

    /** One forward pass with these rows. */
    void pass(Row... rows) {
        try (Batch batch = new Batch(rows.length)) {
            for (Row row : rows) {
                batch.add(row.token, row.cache, row.position, true);
            }
            RowConsumer consumer = (index, values) ->
                    rows[index].logits[rows[index].position] = values.toArray(ValueLayout.JAVA_FLOAT);
            if (transformer.config().architecture().hasHead()) {
                transformer.forward(batch, new Cancellation(), consumer);
            } else {
                transformer.states(batch, new Cancellation(), consumer);
            }
        }
    }

    /** Rows {@code from} to {@code to} of a sequence. */
    static Row[] rows(KvCache cache, int[] ids, int from, int to, float[][] logits) {
        Row[] rows = new Row[to - from];
        for (int i = from; i < to; i++) {
            rows[i - from] = new Row(cache, ids[i], i, logits);
        }
        return rows;
    }

    /** The logits of every position, computed {@code chunk} positions a pass. */
    float[][] logits(int[] ids, int chunk) {
        float[][] logits = new float[ids.length][];
        try (KvCache cache = transformer.newCache()) {
            for (int from = 0; from < ids.length; from += chunk) {
                pass(rows(cache, ids, from, Math.min(ids.length, from + chunk), logits));
            }
        }
        return logits;
    }

    @Override
    public void close() {
        transformer.close();
        kernels.close();
        file.close();
    }
}
