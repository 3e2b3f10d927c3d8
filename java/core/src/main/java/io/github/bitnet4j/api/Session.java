package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.draft.PassTimes;
import io.github.bitnet4j.model.Batch;
import io.github.bitnet4j.model.BitNetTransformer;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.Candidates;
import io.github.bitnet4j.model.KvCache;
import io.github.bitnet4j.model.RowConsumer;
import io.github.bitnet4j.sampling.Sampler;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.util.Arrays;
import java.util.stream.Stream;

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

    /** Somebody who wants logits. */
    @FunctionalInterface
    interface Wish {
        /** Takes those of a row, 0 for the first that has logits. */
        Candidates of(int row);
    }

    /** Rows of a pass that are sampled from, at most. */
    private static final int ROWS = 1 + Draft.LIMIT;

    private final BitNetModel model;
    private final BitNetTransformer transformer;
    private final KvCache cache;
    private final Batch batch;
    private final PassTimes passTimes = new PassTimes(ROWS);
    private int[] ids = new int[64];
    /** Tokens of the sequence. */
    private int size;
    /** Tokens whose keys and values are in the cache; the rest wait for the next pass. */
    private int computed;
    /** Guesses that follow the sequence in {@link #ids}, with keys and values in the cache. */
    private int guessed;
    /** Who has the logits of the latest pass, and in which row those after the last token are: 0, and 1 more for each guess. */
    private Wish wish;
    private int row;
    /** Whether that row still is as it was computed. */
    private boolean fresh;
    /** Those of a pass, by row, lent to whose wish it is. */
    private final Candidates[] rows = Stream.generate(Candidates::new).limit(ROWS).toArray(Candidates[]::new);
    /** The last row of an evaluation. */
    private final Candidates evaluated = new Candidates();
    private final Wish evaluation = row -> evaluated;
    private final Lookahead greedy;
    private boolean closed;

    Session(BitNetModel model, BitNetTransformer transformer) {
        this.model = model;
        this.transformer = transformer;
        cache = transformer.newCache();
        batch = new Batch(transformer.batchSize());
        greedy = new Lookahead(this, Draft.NONE, new Sampler(SamplingOptions.GREEDY.withSeed(0)));
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
            forgetGuesses();
            size = position;
            computed = Math.min(computed, position);
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
     * Appends tokens, computes them and tells which token is the likeliest to follow, without going on with it: for callers who
     * choose what follows themselves.
     *
     * @param tokens 1 or more
     * @throws BitNetException as {@link #generate(int[], GenerationOptions)}
     */
    public int likeliest(int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("there are no tokens that something could follow");
        }
        append(tokens);
        return greedy.choose(1, PrefillListener.NONE, new Cancellation());
    }

    /** How the output head found the {@linkplain #likeliest likeliest} tokens so far. */
    public HeadUse headUse() {
        return greedy.headUse();
    }

    /**
     * Appends tokens and computes them, with the logits of the tokens from index {@code firstWanted} on.
     *
     * @throws BitNetException as {@link #generate(int[], GenerationOptions)}
     */
    public void evaluate(int[] tokens, int firstWanted, LogitsListener listener) {
        int base = size;
        append(tokens);
        run(size, base + firstWanted, evaluation, PrefillListener.NONE, new Cancellation(), (row, values) -> {
            evaluated.take(values);
            listener.accept(computed + row - base, evaluated.logits());
        });
        row = 0;
        fresh = firstWanted < tokens.length;
        wish = evaluation;
    }

    private void append(int[] tokens) {
        open();
        if (tokens.length > remaining()) {
            throw new BitNetException("the prompt has " + tokens.length + " tokens but the context has room for "
                    + remaining() + "; shorten it or raise the context length (-c)");
        }
        int vocabulary = model.info().vocabulary();
        for (int id : tokens) {
            if (id < 0 || id >= vocabulary) {
                throw new BitNetException("token id " + id + " is outside the vocabulary of " + vocabulary);
            }
        }
        guessed = 0;
        for (int id : tokens) {
            push(id);
        }
    }

    /** Appends one token. If it was guessed it is computed, and its logits are there; otherwise the next pass will do that. */
    void push(int id) {
        if (guessed > 0 && ids[size] == id) {
            size++;
            computed++;
            guessed--;
            row++;
            fresh = true;
        } else {
            forgetGuesses();
            makeRoom(1);
            ids[size++] = id;
        }
    }

    /** Their keys and values are written over some time; nothing reads beyond the token it belongs to. */
    private void forgetGuesses() {
        guessed = 0;
        fresh = false;
    }

    private void makeRoom(int more) {
        if (size + more > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(2 * ids.length, size + more));
        }
    }

    /** For wishes: the logits after the last token, then those after each guess. Only one wish's are there at a time. */
    Candidates[] rows() {
        return rows;
    }

    /** Most guesses that a pass has room for. */
    int mostGuesses() {
        return Math.min(ROWS, batch.capacity()) - 1;
    }

    /** What passes of a few rows took. */
    PassTimes passTimes() {
        return passTimes;
    }

    /** Whether the logits after the last token are there, as this wish wants them. */
    boolean hasLogits(Wish mine) {
        open();
        return fresh && wish == mine;
    }

    /** Whether the logits after the last token are there, every one. */
    boolean hasEveryLogit() {
        return hasLogits(evaluation);
    }

    /** The logits after the last token, which must be there, to be used up. */
    Candidates takeLogits() {
        fresh = false;
        return wish.of(row);
    }

    /**
     * Computes what is missing and the logits after the last token, and those after each of {@code count} guesses at what
     * follows, which are kept as long as the tokens that come are the guessed ones.
     *
     * @param wanted takes the logits of each row
     */
    void compute(Wish wanted, int[] guesses, int count, PrefillListener listener, Cancellation cancellation) {
        open();
        forgetGuesses();
        makeRoom(count);
        System.arraycopy(guesses, 0, ids, size, count);
        computed = Math.min(computed, size - 1);
        boolean step = pending() == 1;
        long start = System.nanoTime();
        run(size + count, size - 1, wanted, listener, cancellation, (row, values) -> {});
        if (step) {
            passTimes.passed(1 + count, System.nanoTime() - start);
        }
        guessed = count;
        row = 0;
        fresh = true;
        wish = wanted;
    }

    /**
     * Computes the tokens up to {@code end}, which may be guesses, with the logits of those from {@code firstWanted} on.
     *
     * @param consumer takes the rows of an evaluation; {@link #computed} is the position of a pass's first
     */
    private void run(int end, int firstWanted, Wish wanted, PrefillListener listener, Cancellation cancellation,
                     RowConsumer consumer) {
        int start = computed;
        while (computed < size) {
            int base = computed;
            int count = Math.min(batch.capacity(), end - base);
            batch.clear();
            for (int i = base; i < base + count; i++) {
                if (i < firstWanted || wanted == evaluation) {
                    batch.add(ids[i], cache, i, i >= firstWanted);
                } else {
                    batch.add(ids[i], cache, i, wanted.of(i - firstWanted));
                }
            }
            transformer.forward(batch, cancellation, consumer);
            computed = Math.min(base + count, size);
            listener.progress(computed - start, size - start);
        }
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
