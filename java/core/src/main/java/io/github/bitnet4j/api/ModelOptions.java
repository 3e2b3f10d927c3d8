package io.github.bitnet4j.api;

import io.github.bitnet4j.model.Crossovers;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.model.I2sOrder;
import io.github.bitnet4j.model.KvPrecision;
import io.github.bitnet4j.model.LoadListener;
import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.TernaryLayout;
import io.github.bitnet4j.model.TlTiles;
import java.util.Objects;
import java.util.Optional;

/**
 * How a model is opened.
 *
 * @param threads       threads that compute, 1 to 256; 0 means one for each physical core
 * @param contextLength positions a session can hold; 0 means the model's own limit
 * @param isa           kernels to use: {@code auto}, or a name that {@code bitnet doctor} lists, such as {@code avx2}
 * @param batchSize     most rows of one forward pass, 1 to 4096; larger prefills go in several passes
 * @param kvPrecision   of the keys and values that a session keeps, and of attention: {@code F16} for generating,
 *                      {@code INT8} for generating long texts in half the memory, faster and a little less exact, {@code F32}
 *                      for comparing logits with those of an exact evaluation
 * @param head          how a generation finds the tokens it can choose: {@code TWO_PASS} reads about three bits a weight of a
 *                      copy, takes memory for four, and chooses the same tokens; {@code AUTO} does so where the file has that copy, or
 *                      the head is so large that it pays; {@code EXACT} is for those who only want logits
 * @param load          where weights lie: {@code HUGEPAGES} copies them to pages that are read faster
 * @param loadListener  hears how far the copying has come
 * @param layout        of ternary tensors, for files of other programs, which do not record it
 * @param crossovers    from how many rows on which way of multiplying is taken, where it was measured
 */
public record ModelOptions(int threads, int contextLength, String isa, int batchSize, KvPrecision kvPrecision,
                           HeadMode head, LoadMode load, LoadListener loadListener, TernaryLayout layout,
                           Optional<Crossovers> crossovers) {

    /**
     * One thread a physical core, the model's context, the best kernels, 512 rows a pass, f16 keys and values, the head
     * that is fastest for generating, weights in the file.
     */
    public static final ModelOptions DEFAULT = new ModelOptions(0, 0, "auto", 512, KvPrecision.F16, HeadMode.AUTO,
            LoadMode.MMAP, LoadListener.NONE, TernaryLayout.OF_THE_FILE, Optional.empty());

    public ModelOptions {
        Objects.requireNonNull(isa, "isa");
        Objects.requireNonNull(kvPrecision, "kvPrecision");
        Objects.requireNonNull(head, "head");
        Objects.requireNonNull(load, "load");
        Objects.requireNonNull(loadListener, "loadListener");
        Objects.requireNonNull(layout, "layout");
        Objects.requireNonNull(crossovers, "crossovers");
        require(threads >= 0 && threads <= 256, "threads", threads, "0 (physical cores) to 256");
        require(contextLength >= 0, "contextLength", contextLength, "0 (the model's limit) or more");
        require(batchSize >= 1 && batchSize <= 4096, "batchSize", batchSize, "1 to 4096");
    }

    private static void require(boolean condition, String name, int value, String range) {
        if (!condition) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be " + range);
        }
    }

    public ModelOptions withThreads(int threads) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withContextLength(int contextLength) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withIsa(String isa) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withBatchSize(int batchSize) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withKvPrecision(KvPrecision kvPrecision) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withHead(HeadMode head) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withLoad(LoadMode load) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withLoadListener(LoadListener loadListener) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withLayout(TernaryLayout layout) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                crossovers);
    }

    public ModelOptions withTlTiles(TlTiles tiles) {
        return withLayout(layout.withTiles(tiles));
    }

    public ModelOptions withI2sOrder(I2sOrder order) {
        return withLayout(layout.withOrder(order));
    }

    public ModelOptions withCrossovers(Crossovers crossovers) {
        return new ModelOptions(threads, contextLength, isa, batchSize, kvPrecision, head, load, loadListener, layout,
                Optional.of(crossovers));
    }
}
