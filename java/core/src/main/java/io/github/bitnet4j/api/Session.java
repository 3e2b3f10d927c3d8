package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Batch;
import io.github.bitnet4j.model.BitNetTransformer;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.Candidates;
import io.github.bitnet4j.model.KvCache;
import io.github.bitnet4j.model.LogitsConsumer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * One sequence: the tokens so far and their keys and values. Generations continue it; {@link #rewind} takes tokens
 * back. A session is for one thread at a time, except that a {@link Generation} may be cancelled from any.
 */
public final class Session implements AutoCloseable {

    /** Receives the logits of each position that was asked for. */
    @FunctionalInterface
    public interface LogitsListener {
        /**
         * @param index  index into the ids that are evaluated
         * @param logits one f32 a vocabulary entry, for the token that follows; reused, valid during the call
         */
        void accept(int index, float[] logits);
    }

    private final BitNetModel model;
    private final BitNetTransformer transformer;
    private final KvCache cache;
    private final Batch batch;
    private final float[] logits;
    private final LogitsConsumer toLogits = (row, values) -> copyLogits(values);
    private int[] ids = new int[64];
    /** Tokens of the sequence. */
    private int size;
    /** Tokens whose keys and values are in the cache; the rest wait for the next pass. */
    private int computed;
    /** Whether {@link #logits} belongs to the last token. */
    private boolean current;
    private boolean closed;

    Session(BitNetModel model, BitNetTransformer transformer) {
        this.model = model;
        this.transformer = transformer;
        cache = transformer.newCache();
        batch = new Batch(transformer.batchSize());
        logits = new float[model.info().vocabulary()];
    }

    public BitNetModel model() {
        return model;
    }

    /** Tokens in the sequence. */
    public int position() {
        return size;
    }

    /** Tokens that still fit. */
    public int remaining() {
        return cache.capacity() - size;
    }

    /** A copy of the sequence's tokens. */
    public int[] ids() {
        return Arrays.copyOf(ids, size);
    }

    /** Takes back all tokens from {@code position} on, 0 for all of them. */
    public void rewind(int position) {
        if (position < 0 || position > size) {
            throw new IllegalArgumentException("cannot rewind to " + position + ": the session has " + size + " tokens");
        }
        if (position < size) {
            size = position;
            computed = Math.min(computed, position);
            current = false;
        }
    }

    /**
     * Continues with a text. BOS is put in front when the session is empty and the model expects it.
     *
     * @throws BitNetException if the text does not fit the context
     */
    public Generation generate(String prompt, GenerationOptions options) {
        return generate(size == 0 ? model.encode(prompt) : model.tokenizer().encode(prompt), options);
    }

    /**
     * Continues with tokens, taken as they are. Nothing is computed until the generation is asked for a token.
     *
     * @throws BitNetException if they do not fit the context, or an id is outside the vocabulary
     */
    public Generation generate(int[] prompt, GenerationOptions options) {
        append(prompt);
        if (size == 0) {
            throw new BitNetException("there is nothing to continue: the prompt is empty and the model defines no first token");
        }
        return new Generation(this, options);
    }

    /**
     * Appends tokens and computes them, with the logits of the tokens from index {@code firstWanted} on.
     *
     * @throws BitNetException as {@link #generate(int[], GenerationOptions)}
     */
    public void evaluate(int[] tokens, int firstWanted, LogitsListener listener) {
        int base = size;
        append(tokens);
        run(PrefillListener.NONE, new Cancellation(), base + firstWanted, new Candidates(), (row, values) -> {
            copyLogits(values);
            listener.accept(computed + row - base, logits);
        });
        current = firstWanted < tokens.length;
    }

    private void append(int[] tokens) {
        open();
        if (tokens.length > remaining()) {
            throw new BitNetException("the prompt has " + tokens.length + " tokens but the context has room for "
                    + remaining() + "; shorten it or raise the context length (-c)");
        }
        for (int id : tokens) {
            if (id < 0 || id >= logits.length) {
                throw new BitNetException("token id " + id + " is outside the vocabulary of " + logits.length);
            }
        }
        for (int id : tokens) {
            push(id);
        }
    }

    /** Appends one token, to be computed with the next pass. */
    void push(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, 2 * size);
        }
        ids[size++] = id;
        current = false;
    }

    /**
     * Logits after the last token, those wanted at least, computing what is missing; the array is the session's own and
     * may be overwritten.
     */
    float[] logits(PrefillListener listener, Cancellation cancellation, Candidates wanted) {
        compute(listener, cancellation, wanted);
        current = false;
        return logits;
    }

    private void compute(PrefillListener listener, Cancellation cancellation, Candidates wanted) {
        open();
        if (current || size == 0) {
            return;
        }
        computed = Math.min(computed, size - 1);
        run(listener, cancellation, size - 1, wanted, toLogits);
        current = true;
    }

    /** @param consumer hears of the rows of each pass; {@link #computed} is the position of its first */
    private void run(PrefillListener listener, Cancellation cancellation, int firstWanted, Candidates wanted,
                     LogitsConsumer consumer) {
        int start = computed;
        while (computed < size) {
            int base = computed;
            int count = Math.min(batch.capacity(), size - base);
            batch.clear();
            for (int i = base; i < base + count; i++) {
                if (i < firstWanted) {
                    batch.add(ids[i], cache, i, false);
                } else {
                    batch.add(ids[i], cache, i, wanted);
                }
            }
            transformer.forward(batch, cancellation, consumer);
            computed += count;
            listener.progress(computed - start, size - start);
        }
    }

    private void copyLogits(MemorySegment values) {
        MemorySegment.copy(values, ValueLayout.JAVA_FLOAT, 0, logits, 0, logits.length);
    }

    /** Tokens that wait for the next pass. */
    int pending() {
        return size - computed;
    }

    private void open() {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
    }

    /** Frees the keys and values. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            batch.close();
            cache.close();
        }
    }
}
