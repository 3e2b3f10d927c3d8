package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.gguf.GgufFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * BitNet b1.58 (arXiv:2402.17764, arXiv:2504.12285): a pre-norm transformer whose linears are ternary. For each layer
 * <pre>
 *   x += attention(x)         {@link AttentionBlock}
 *   x += feedForward(x)       {@link FeedForwardBlock}
 * </pre>
 * and logits = E . rms(x), not quantised, or only rms(x) of models for embeddings, which have no head. {@link Architecture}
 * says which norms there are.
 *
 * <p>Weights stay in the mapped file, unless {@link #copyWeights} moves them or {@link Repacking} has to. Forward passes take
 * turns on one set of buffers; any thread may call.
 */
public final class BitNetTransformer implements AutoCloseable {
    /** Rows whose logits are computed in one product with the head, to bound the buffer. */
    private static final int LOGIT_ROWS = 16;

    private record Layer(AttentionBlock attention, FeedForwardBlock feedForward) {}

    private final ModelConfig config;
    private final Kernels kernels;
    private final int batchSize;
    private final int positions;
    private final KvPrecision precision;
    private final Arena arena = Arena.ofShared();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final Buffers buffers;
    private final Layer[] layers;
    private final MemorySegment embedding;
    private final MemorySegment head;
    private final Optional<TwoPassHead> twoPass;
    private final RmsNorm outputNorm;
    private final List<MemorySegment> streamed;
    private WeightMemory weightMemory;

    /**
     * @param file      stays open as long as this model is used
     * @param batchSize most rows of a batch
     * @param positions most positions of a sequence
     * @param precision of keys, values and attention
     * @param mode      of the output head
     * @param layout    of ternary tensors, where the file does not say it
     */
    public BitNetTransformer(GgufFile file, ModelConfig config, Kernels kernels, int batchSize, int positions,
                             KvPrecision precision, HeadMode mode, TernaryLayout layout) {
        this.config = config;
        this.kernels = kernels;
        this.batchSize = batchSize;
        this.positions = positions;
        this.precision = precision;
        try {
            Weights weights = new Weights(file, config.architecture(), arena, kernels, layout);
            embedding = weights.table("token_embd.weight", config.vocabulary(), config.hidden());
            head = file.tensor("output.weight").isPresent()
                    ? weights.table("output.weight", config.vocabulary(), config.hidden())
                    : embedding;
            twoPass = hasHead() ? TwoPassHead.of(mode, head, weights, LOGIT_ROWS, kernels, arena) : Optional.empty();
            outputNorm = new RmsNorm(kernels, weights.vector("output_norm.weight", config.hidden()), config.hidden(),
                    config.epsilon());
            buffers = Buffers.of(config, batchSize, LOGIT_ROWS, positions, kernels.threads(), arena);
            RopeTable rope = new RopeTable(config, config.ropeTheta(), weights.ropeScaling(config), positions, arena);
            RopeTable windowRope = config.window().map(window -> new RopeTable(config, window.ropeTheta(), RopeScaling.NONE,
                    positions, arena)).orElse(rope);
            layers = new Layer[config.layers()];
            Arrays.setAll(layers, i -> new Layer(new AttentionBlock(config, weights, i,
                    config.isWindowed(i) ? windowRope : rope, buffers, kernels, arena),
                    new FeedForwardBlock(config, weights, i, buffers, kernels, arena)));
            streamed = new ArrayList<>(weights.linears());
            if (hasHead()) {
                twoPass.ifPresentOrElse(coarse -> coarse.mapped().ifPresent(streamed::add), () -> streamed.add(head));
            }
            weightMemory = new WeightMemory(LoadMode.MMAP, file.tensorData(), weights.repackedBytes());
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    public ModelConfig config() {
        return config;
    }

    /** Most rows of a batch. */
    public int batchSize() {
        return batchSize;
    }

    /**
     * Moves what every token reads whole, the ternary matrices and a head without a coarse copy, to huge pages. Before the
     * first pass, and once.
     *
     * @throws BitNetException if the system has no huge pages, or not enough memory
     */
    public void copyWeights(LoadListener listener) {
        weightMemory = new WeightMemory(LoadMode.HUGEPAGES, WeightCopy.of(streamed, kernels, arena, listener),
                weightMemory.repackedBytes());
    }

    /** Where the weights lie. */
    public WeightMemory weightMemory() {
        return weightMemory;
    }

    /** Bytes of the output head's coarse copy; empty when there is none. */
    public OptionalLong coarseHeadBytes() {
        return twoPass.map(coarse -> OptionalLong.of(coarse.bytes())).orElse(OptionalLong.empty());
    }

    /** Whether there are logits, and not only states. */
    private boolean hasHead() {
        return config.architecture().hasHead();
    }

    /** Room for the keys and values of one sequence. */
    public KvCache newCache() {
        return newCache(positions);
    }

    /** Room for those of a sequence of so many positions. */
    public KvCache newCache(int positions) {
        requireOpen();
        return new KvCache(config, positions, precision, weightMemory.mode());
    }

    /**
     * Computes all rows of a batch, writes their keys and values into their caches, and hands out the logits that were
     * wanted, or gives them to their {@link Candidates}. After {@link CancelledException} the caches of the batch hold nothing
     * reliable at its positions.
     */
    public void forward(Batch batch, Cancellation cancellation, RowConsumer consumer) {
        forward(batch, cancellation, consumer, Optional.empty());
    }

    /** As {@link #forward(Batch, Cancellation, RowConsumer)}, under the eyes of an observer. */
    public void forward(Batch batch, Cancellation cancellation, RowConsumer consumer,
                        Optional<FeedForwardObserver> observer) {
        if (!hasHead()) {
            throw new BitNetException("a model for embeddings has no output head, and so no logits");
        }
        pass(batch, cancellation, consumer, observer, true);
    }

    /**
     * As {@link #forward(Batch, Cancellation, RowConsumer)}, with states in place of logits: what the last layer leaves, after
     * the output norm.
     */
    public void states(Batch batch, Cancellation cancellation, RowConsumer consumer) {
        pass(batch, cancellation, consumer, Optional.empty(), false);
    }

    private void pass(Batch batch, Cancellation cancellation, RowConsumer consumer, Optional<FeedForwardObserver> observer,
                      boolean logits) {
        check(batch);
        turn.lock();
        try {
            requireOpen();
            cancellation.begin(kernels);
            try {
                compute(batch, observer);
                if (logits) {
                    logits(batch, consumer);
                } else {
                    states(batch, consumer);
                }
            } finally {
                cancellation.end();
            }
        } finally {
            turn.unlock();
        }
    }

    private void requireOpen() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the model is closed");
        }
    }

    private void check(Batch batch) {
        if (batch.size() == 0 || batch.size() > batchSize) {
            throw new IllegalArgumentException("a batch of " + batch.size() + " rows; this model takes 1 to " + batchSize);
        }
        for (int i = 0; i < batch.size(); i++) {
            if (batch.token(i) < 0 || batch.token(i) >= config.vocabulary()) {
                throw new BitNetException("token id " + batch.token(i) + " is outside the vocabulary of "
                        + config.vocabulary());
            }
        }
    }

    /**
     * Leaves the states of the wanted rows at the front of the residual stream. Of the last layer the others only need keys and
     * values; an observer sees all of them all the way.
     */
    private void compute(Batch batch, Optional<FeedForwardObserver> observer) {
        MemorySegment rows = batch.rows();
        int n = batch.size();
        kernels.embed(embedding, batch.tokens(), n, config.embeddingFactor(), buffers.x().all());
        for (int i = 0; i < layers.length; i++) {
            layers[i].attention().project(rows, n, batch.longest());
            if (i == layers.length - 1 && observer.isEmpty()) {
                keepWanted(batch);
                rows = batch.wantedRows();
                n = batch.wantedCount();
                if (n == 0) {
                    return;
                }
            }
            layers[i].attention().attend(rows, n);
            layers[i].feedForward().compute(n, observer);
        }
        if (observer.isPresent()) {
            keepWanted(batch);
        }
    }

    /** Moves the wanted rows of the residual stream and of the queries to the front, in their order. */
    private void keepWanted(Batch batch) {
        for (int i = 0; i < batch.wantedCount(); i++) {
            if (batch.wanted(i) != i) {
                moveRow(buffers.x().all(), config.hidden(), batch.wanted(i), i);
                moveRow(buffers.query(), config.attentionWidth(), batch.wanted(i), i);
            }
        }
    }

    private static void moveRow(MemorySegment floats, long width, int from, int to) {
        long bytes = width * Float.BYTES;
        MemorySegment.copy(floats, from * bytes, floats, to * bytes, bytes);
    }

    private void logits(Batch batch, RowConsumer consumer) {
        for (int first = 0; first < batch.wantedCount(); first += LOGIT_ROWS) {
            int count = Math.min(LOGIT_ROWS, batch.wantedCount() - first);
            for (int i = 0; i < count; i++) {
                norm(first + i, buffers.normed().row()[i]);
            }
            if (onlySome(batch, first, count)) {
                twoPass.get().compute(batch, first, count, buffers.normed().all());
                continue;
            }
            kernels.matmul(head, buffers.normed().all(), count, buffers.logits().all(), config.vocabulary());
            for (int i = first; i < first + count; i++) {
                MemorySegment row = buffers.logits().row()[i - first];
                if (batch.isHandedOut(i)) {
                    consumer.accept(batch.wanted(i), row);
                } else {
                    batch.candidates(i).take(row);
                }
            }
        }
    }

    /** Whether none of {@code count} wanted rows needs every logit, and there is a way to compute only some. */
    private boolean onlySome(Batch batch, int first, int count) {
        boolean some = twoPass.isPresent();
        for (int i = first; some && i < first + count; i++) {
            some = batch.candidates(i).largest() > 0;
        }
        return some;
    }

    private void states(Batch batch, RowConsumer consumer) {
        MemorySegment state = buffers.normed().row()[0];
        for (int i = 0; i < batch.wantedCount(); i++) {
            norm(i, state);
            consumer.accept(batch.wanted(i), state);
        }
    }

    /** Norms the state of the {@code i}-th wanted row. */
    private void norm(int i, MemorySegment state) {
        outputNorm.compute(buffers.x().row()[i], 1, state);
    }

    /** Waits for a running pass, then frees the buffers. Caches are closed by their owners. A second call does nothing. */
    @Override
    public void close() {
        turn.lock();
        try {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        } finally {
            turn.unlock();
        }
    }
}
