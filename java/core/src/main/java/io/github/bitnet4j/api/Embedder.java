package io.github.bitnet4j.api;

import io.github.bitnet4j.BitNetException;
import io.github.bitnet4j.model.Batch;
import io.github.bitnet4j.model.BitNetTransformer;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.CancelledException;
import io.github.bitnet4j.model.KvCache;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/**
 * Texts to vectors. Tokens of several texts go through the model together, as many as its batch size says, which changes no
 * bit of a vector. Safe for use by many threads.
 */
public final class Embedder {

    /** Receives vectors. */
    @FunctionalInterface
    public interface Listener {
        /**
         * @param index  of the text; texts come in their order
         * @param vector of {@link Embedder#dimensions} numbers, of length 1; the caller's to keep
         */
        void embedded(int index, float[] vector);
    }

    private final BitNetModel model;
    private final BitNetTransformer transformer;
    private final Pooling pooling;
    private final int mostTokens;

    /** @param mostTokens what the file says of it */
    Embedder(BitNetModel model, BitNetTransformer transformer, Pooling pooling, OptionalLong mostTokens) {
        this.model = model;
        this.transformer = transformer;
        this.pooling = pooling;
        this.mostTokens = (int) Math.clamp(mostTokens.orElse(Integer.MAX_VALUE), 1, Integer.MAX_VALUE);
    }

    /** Numbers of a vector. */
    public int dimensions() {
        return model.info().hidden();
    }

    /** How it pools. */
    public Pooling pooling() {
        return pooling;
    }

    /**
     * How many tokens of a text, with those that are put around it, make its vector: those that its makers cut texts to, or any
     * number where the file names none.
     */
    public int mostTokens() {
        return mostTokens;
    }

    /**
     * Cuts the tokens of a text, as {@link BitNetModel#encodeWhole} makes them, to those that make its vector: of more than
     * {@link #mostTokens} the first ones, with the end of a text behind them if the model expects it.
     */
    public int[] cut(int[] text) {
        if (text.length <= mostTokens) {
            return text;
        }
        int[] cut = Arrays.copyOf(text, mostTokens);
        if (model.tokenizer().addEos()) {
            cut[mostTokens - 1] = text[text.length - 1];
        }
        return cut;
    }

    /**
     * A vector for each text, of its first {@link #mostTokens} tokens.
     *
     * @throws BitNetException if a text has no tokens, or does not fit the context
     */
    public List<float[]> embed(List<String> texts) {
        List<float[]> vectors = new ArrayList<>();
        embed(texts.stream().map(model::encodeWhole).map(this::cut).toList(), new Cancellation(), (index, vector) -> vectors.add(vector));
        return vectors;
    }

    /**
     * Vectors for tokens, taken as they are.
     *
     * @param texts {@link BitNetModel#encodeWhole} and {@link #cut} make them
     * @throws BitNetException    as {@link #embed(List)}, before anything is computed
     * @throws CancelledException after {@link Cancellation#cancel} from any thread
     */
    public void embed(List<int[]> texts, Cancellation cancellation, Listener listener) {
        for (int i = 0; i < texts.size(); i++) {
            check(texts.get(i).length, i);
        }
        List<Text> open = new ArrayList<>();
        try (Batch batch = new Batch(transformer.batchSize())) {
            Text[] ofRow = new Text[batch.capacity()];
            for (int next = 0; next < texts.size() || !open.isEmpty();) {
                batch.clear();
                for (Text text : open) { // at most one, which the last pass had no room for
                    text.add(batch, ofRow);
                }
                while (batch.size() < batch.capacity() && next < texts.size()) {
                    Text text = new Text(next, texts.get(next));
                    next++;
                    open.add(text);
                    text.add(batch, ofRow);
                }
                transformer.states(batch, cancellation, (row, state) -> ofRow[row].take(state));
                while (!open.isEmpty() && open.getFirst().isDone()) {
                    Text text = open.removeFirst();
                    text.cache.close();
                    listener.embedded(text.index, text.vector());
                }
            }
        } finally {
            open.forEach(text -> text.cache.close());
        }
    }

    private void check(int tokens, int index) {
        if (tokens == 0) {
            throw new BitNetException("text " + (index + 1) + " has no tokens; it is empty, and the model puts nothing around it");
        }
        if (tokens > model.contextLength()) {
            throw new BitNetException("text " + (index + 1) + " has " + tokens + " tokens but the context has room for "
                    + model.contextLength() + "; shorten it or raise the context length (-c)");
        }
    }

    /** A text on its way through the model. */
    private final class Text {
        private final int index;
        private final int[] ids;
        private final KvCache cache;
        private final double[] sum = new double[dimensions()];
        private int added;

        Text(int index, int[] ids) {
            this.index = index;
            this.ids = ids;
            cache = transformer.newCache(ids.length);
        }

        /** Adds as many of its tokens as there is room for. */
        void add(Batch batch, Text[] ofRow) {
            for (; added < ids.length && batch.size() < batch.capacity(); added++) {
                ofRow[batch.size()] = this;
                batch.add(ids[added], cache, added, pooling.reads(added, ids.length));
            }
        }

        void take(MemorySegment state) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += state.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            }
        }

        boolean isDone() {
            return added == ids.length;
        }

        /** The sum, which points where the mean does, at length 1. */
        float[] vector() {
            double squares = 0;
            for (double element : sum) {
                squares += element * element;
            }
            if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
                throw new BitNetException("text " + (index + 1) + " has no direction: its numbers are all 0, or not finite; "
                        + "'bitnet inspect --check' finds what is wrong with the file");
            }
            double length = Math.sqrt(squares);
            float[] vector = new float[sum.length];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (float) (sum[i] / length);
            }
            return vector;
        }
    }
}
