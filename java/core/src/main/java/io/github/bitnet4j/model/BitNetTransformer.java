package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_attention_shape;
import io.github.bitnet4j.bindings.bn_matrix;
import io.github.bitnet4j.bindings.bn_quantized;
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
 * BitNet b1.58 (arXiv:2402.17764, arXiv:2504.12285): a pre-norm transformer whose linears are ternary, with sub-norms
 * before the output and down projections. For each layer
 * <pre>
 *   q, k, v = Wq, Wk, Wv . quantize(rms(x))        attention over the KV cache
 *   x      += Wo . quantize(rms(attention))        sub-norm
 *   g, u    = Wgate, Wup . quantize(rms(x))
 *   x      += Wdown . quantize(rms(act(g) * u))    sub-norm
 * </pre>
 * and logits = E . rms(x), not quantised. Models of architecture {@code llama} have no sub-norms.
 *
 * <p>Weights stay in the mapped file, unless {@link #copyWeights} moves them. Forward passes take turns on one set of
 * buffers; any thread may call.
 */
public final class BitNetTransformer implements AutoCloseable {
    /** Rows whose logits are computed in one product with the head, to bound the buffer. */
    private static final int LOGIT_ROWS = 16;

    private final ModelConfig config;
    private final Kernels kernels;
    private final int batchSize;
    private final int positions;
    private final KvPrecision precision;
    private final Arena arena = Arena.ofShared();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final Buffers buffers;
    private final RopeTable rope;
    private final Layer[] layers;
    private final MemorySegment embedding;
    private final MemorySegment head;
    private final Optional<TwoPassHead> twoPass;
    private final MemorySegment outputNorm;
    private final List<MemorySegment> streamed;
    private WeightMemory weightMemory;

    /**
     * One layer's norms, and its products with their outputs already named. With one row, {@code gateUpOfOne} takes the
     * place of {@code gateUp}: where a ReLU closes a gate, the row of up is not read.
     */
    private record Layer(MemorySegment attentionNorm, Products qkv, MemorySegment shape, MemorySegment attentionSubNorm,
                         Products output, MemorySegment feedForwardNorm, Products[] gateUp, Products[] gateUpOfOne,
                         MemorySegment feedForwardSubNorm, Products down) {}

    /**
     * Activations of one batch; widths in floats, rows = batch size. Queries, keys and values share rows, and so do gate and
     * up. Every slice that a pass needs is made once: a pass allocates nothing on the heap.
     */
    private record Buffers(Rows x, MemorySegment query, MemorySegment key, MemorySegment value, long qkvStride,
                           MemorySegment attention, MemorySegment gate, MemorySegment up, long gateUpStride,
                           MemorySegment quantizedHidden, MemorySegment quantizedAttention,
                           MemorySegment quantizedFeedForward, Rows normed, Rows logits, MemorySegment scratch) {}

    /** A buffer and its rows. */
    private record Rows(MemorySegment all, MemorySegment[] row) {
        static Rows of(int count, long width, Arena arena) {
            MemorySegment all = NativeMemory.floats(count * width, arena);
            MemorySegment[] row = new MemorySegment[count];
            Arrays.setAll(row, i -> all.asSlice(i * width * Float.BYTES, width * Float.BYTES));
            return new Rows(all, row);
        }
    }

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
            Weights weights = new Weights(file, arena, kernels, layout);
            embedding = weights.table("token_embd.weight", config.vocabulary(), config.hidden());
            head = file.tensor("output.weight").isPresent()
                    ? weights.table("output.weight", config.vocabulary(), config.hidden())
                    : embedding;
            twoPass = TwoPassHead.of(mode, head, weights, LOGIT_ROWS, kernels, arena);
            outputNorm = weights.norm("output_norm.weight", config.hidden());
            MemorySegment firstShape = shape(0);
            buffers = buffers(firstShape);
            rope = new RopeTable(config, positions, arena);
            layers = new Layer[config.layers()];
            for (int i = 0; i < layers.length; i++) {
                layers[i] = layer(weights, i);
            }
            streamed = new ArrayList<>(weights.linears());
            twoPass.ifPresentOrElse(coarse -> coarse.mapped().ifPresent(streamed::add), () -> streamed.add(head));
            weightMemory = new WeightMemory(LoadMode.MMAP, file.tensorData(), weights.repackedBytes());
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private Buffers buffers(MemorySegment shape) {
        long attentionWidth = (long) config.heads() * config.headDim();
        long qkvStride = attentionWidth + 2L * config.kvHeads() * config.headDim();
        long gateUpStride = 2L * config.feedForward();
        long scratch = BitNetNative.bn_attention_scratch(shape, batchSize, kernels.threads(), positions);
        MemorySegment qkv = floats(qkvStride);
        MemorySegment gateUp = floats(gateUpStride);
        return new Buffers(Rows.of(batchSize, config.hidden(), arena), qkv, qkv.asSlice(attentionWidth * Float.BYTES),
                qkv.asSlice((attentionWidth + qkvStride) / 2 * Float.BYTES), qkvStride, floats(attentionWidth), gateUp,
                gateUp.asSlice(gateUpStride / 2 * Float.BYTES), gateUpStride, quantized(config.hidden()),
                quantized(attentionWidth), quantized(config.feedForward()), Rows.of(LOGIT_ROWS, config.hidden(), arena),
                Rows.of(LOGIT_ROWS, config.vocabulary(), arena), NativeMemory.allocate(scratch, arena));
    }

    private MemorySegment floats(long width) {
        return NativeMemory.floats(batchSize * width, arena);
    }

    private MemorySegment quantized(long cols) {
        long stride = BitNetNative.bn_quantized_stride(cols);
        MemorySegment quantized = bn_quantized.allocate(arena);
        bn_quantized.q(quantized, NativeMemory.allocate(batchSize * stride, arena));
        bn_quantized.scale(quantized, floats(1));
        bn_quantized.sum(quantized, floats(1));
        bn_quantized.cols(quantized, cols);
        bn_quantized.stride(quantized, stride);
        return quantized;
    }

    private MemorySegment shape(int layer) {
        MemorySegment shape = bn_attention_shape.allocate(arena);
        bn_attention_shape.heads(shape, config.heads());
        bn_attention_shape.kv_heads(shape, config.kvHeads());
        bn_attention_shape.head_dim(shape, config.headDim());
        bn_attention_shape.rope_dim(shape, config.ropeDim());
        bn_attention_shape.rope_style(shape, config.ropeStyle().ordinal());
        bn_attention_shape.layer(shape, layer);
        bn_attention_shape.scale(shape, (float) (1 / Math.sqrt(config.headDim())));
        return shape;
    }

    private Layer layer(Weights weights, int index) {
        String block = "blk." + index + ".";
        long hidden = config.hidden();
        long width = (long) config.heads() * config.headDim();
        long kvWidth = (long) config.kvHeads() * config.headDim();
        long ffn = config.feedForward();
        Products qkv = Products.of(arena,
                new Products.Product(weights.linear(block + "attn_q.weight", width, hidden), buffers.query, buffers.qkvStride, false),
                new Products.Product(weights.linear(block + "attn_k.weight", kvWidth, hidden), buffers.key, buffers.qkvStride, false),
                new Products.Product(weights.linear(block + "attn_v.weight", kvWidth, hidden), buffers.value, buffers.qkvStride, false));
        Products output = Products.of(arena,
                new Products.Product(weights.linear(block + "attn_output.weight", hidden, width), buffers.x.all, hidden, true));
        MemorySegment up = weights.linear(block + "ffn_up.weight", ffn, hidden);
        Products.Product toGate =
                new Products.Product(weights.linear(block + "ffn_gate.weight", ffn, hidden), buffers.gate, buffers.gateUpStride,
                        false);
        Products[] gateUp = {Products.of(arena, toGate, new Products.Product(up, buffers.up, buffers.gateUpStride, false))};
        Products[] gateUpOfOne = skipsRows(up)
                ? new Products[] {Products.of(arena, toGate),
                        Products.of(arena, new Products.Product(up, buffers.up, buffers.gateUpStride, false, buffers.gate))}
                : gateUp;
        Products down = Products.of(arena,
                new Products.Product(weights.linear(block + "ffn_down.weight", hidden, ffn), buffers.x.all, hidden, true));
        return new Layer(weights.norm(block + "attn_norm.weight", hidden), qkv, shape(index),
                subNorm(weights, block + "attn_sub_norm.weight", width), output,
                weights.norm(block + "ffn_norm.weight", hidden), gateUp, gateUpOfOne,
                subNorm(weights, block + "ffn_sub_norm.weight", ffn), down);
    }

    /**
     * Whether one row of activations computes the gates first, so as to leave out the rows of {@code up} behind those that
     * are 0. Rows can be left out of I2_S only; with other layouts the second parallel region would cost, and save nothing.
     */
    private boolean skipsRows(MemorySegment up) {
        return config.activation() == ModelConfig.Activation.RELU2 && bn_matrix.type(up) == BitNetNative.BN_TYPE_I2_S();
    }

    /** The null address tells the kernels that there is no norm. */
    private MemorySegment subNorm(Weights weights, String name, long cols) {
        return config.subNorms() ? weights.norm(name, cols) : MemorySegment.NULL;
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

    /** Room for the keys and values of one sequence. */
    public KvCache newCache() {
        requireOpen();
        return new KvCache(config, positions, precision, weightMemory.mode());
    }

    /**
     * Computes all rows of a batch, writes their keys and values into their caches, and hands out the logits that were
     * wanted. After {@link CancelledException} the caches of the batch hold nothing reliable at its positions.
     */
    public void forward(Batch batch, Cancellation cancellation, LogitsConsumer consumer) {
        forward(batch, cancellation, consumer, Optional.empty());
    }

    /** As {@link #forward(Batch, Cancellation, LogitsConsumer)}, under the eyes of an observer. */
    public void forward(Batch batch, Cancellation cancellation, LogitsConsumer consumer,
                        Optional<FeedForwardObserver> observer) {
        check(batch);
        turn.lock();
        try {
            requireOpen();
            cancellation.begin(kernels);
            try {
                compute(batch, observer);
                logits(batch, consumer);
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

    private void compute(Batch batch, Optional<FeedForwardObserver> observer) {
        int n = batch.size();
        float epsilon = config.epsilon();
        MemorySegment angles = rope.upTo(batch.longest());
        long width = (long) config.heads() * config.headDim();
        kernels.embed(embedding, batch.tokens(), n, buffers.x.all);
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            kernels.quantize(buffers.x.all, n, config.hidden(), layer.attentionNorm, epsilon, buffers.quantizedHidden);
            kernels.linear(layer.qkv, buffers.quantizedHidden, n);
            kernels.ropeStore(layer.shape, batch.rows(), n, angles, buffers.query, buffers.qkvStride, buffers.key,
                    buffers.value, buffers.qkvStride);
            kernels.attention(layer.shape, batch.rows(), n, buffers.query, buffers.qkvStride, buffers.attention, width,
                    buffers.scratch);
            kernels.quantize(buffers.attention, n, width, layer.attentionSubNorm, epsilon, buffers.quantizedAttention);
            kernels.linear(layer.output, buffers.quantizedAttention, n);
            kernels.quantize(buffers.x.all, n, config.hidden(), layer.feedForwardNorm, epsilon, buffers.quantizedHidden);
            for (Products products : n == 1 ? layer.gateUpOfOne : layer.gateUp) {
                kernels.linear(products, buffers.quantizedHidden, n);
            }
            if (observer.isPresent()) {
                showGates(observer.get(), i, n);
            }
            kernels.gluQuantize(config.activation(), buffers.gate, buffers.up, buffers.gateUpStride, n, config.feedForward(),
                    layer.feedForwardSubNorm, epsilon, buffers.quantizedFeedForward);
            if (observer.isPresent()) {
                showInputs(observer.get(), i, n);
            }
            kernels.linear(layer.down, buffers.quantizedFeedForward, n);
        }
    }

    private void showGates(FeedForwardObserver observer, int layer, int n) {
        for (int r = 0; r < n; r++) {
            observer.gates(layer, buffers.gate.asSlice(r * buffers.gateUpStride * Float.BYTES,
                    config.feedForward() * (long) Float.BYTES));
        }
    }

    private void showInputs(FeedForwardObserver observer, int layer, int n) {
        long stride = bn_quantized.stride(buffers.quantizedFeedForward);
        MemorySegment inputs = bn_quantized.q(buffers.quantizedFeedForward).reinterpret(n * stride);
        for (int r = 0; r < n; r++) {
            observer.inputs(layer, inputs.asSlice(r * stride, config.feedForward()));
        }
    }

    private void logits(Batch batch, LogitsConsumer consumer) {
        long hidden = config.hidden();
        for (int first = 0; first < batch.wantedCount(); first += LOGIT_ROWS) {
            int count = Math.min(LOGIT_ROWS, batch.wantedCount() - first);
            for (int i = 0; i < count; i++) {
                kernels.rmsNorm(buffers.x.row[batch.wanted(first + i)], 1, hidden, outputNorm, config.epsilon(),
                        buffers.normed.row[i]);
            }
            product(batch, first, count);
            for (int i = 0; i < count; i++) {
                consumer.accept(batch.wanted(first + i), buffers.logits.row[i]);
            }
        }
    }

    /** Logits of {@code count} rows of those wanted, from the {@code first} on: all of them if one row needs all. */
    private void product(Batch batch, int first, int count) {
        boolean some = twoPass.isPresent();
        for (int i = 0; some && i < count; i++) {
            some = batch.candidates(first + i).count() > 0;
        }
        if (some) {
            twoPass.get().compute(batch, first, count, buffers.normed.all, buffers.logits.all);
            return;
        }
        kernels.matmul(head, buffers.normed.all, count, buffers.logits.all, config.vocabulary());
        for (int i = 0; i < count; i++) {
            batch.candidates(first + i).computed(config.vocabulary());
        }
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
