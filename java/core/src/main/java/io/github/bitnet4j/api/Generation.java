package io.github.bitnet4j.api;

import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.CancelledException;
import io.github.bitnet4j.sampling.Sampler;
import io.github.bitnet4j.sampling.StopSequences;
import io.github.bitnet4j.tokenizer.StreamDecoder;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The tokens that continue a session, made one by one as they are asked for. The first {@link #hasNext} prefills.
 * One thread iterates; {@link #cancel} may come from any. The session keeps what was generated and can be continued.
 */
public final class Generation implements Iterator<GeneratedToken>, AutoCloseable {
    private final Session session;
    private final GenerationOptions options;
    private final Sampler sampler;
    private final StreamDecoder decoder;
    private final StopSequences stops;
    private final BitSet stopIds;
    private final Cancellation cancellation = new Cancellation();
    private final Lookahead lookahead;
    private final StringBuilder text = new StringBuilder();
    private long prefillNanos;
    private long decodeNanos;
    private final int promptTokens;
    private int[] ids = new int[32];
    private int count;
    private GeneratedToken next;
    private FinishReason finishReason;

    Generation(Session session, GenerationOptions options) {
        this.session = session;
        this.options = options;
        promptTokens = session.pending();
        sampler = new Sampler(options.sampling());
        lookahead = new Lookahead(session, options.draft(), sampler);
        for (int id : session.ids()) {
            sampler.accept(id);
            lookahead.accept(id);
        }
        decoder = session.model().tokenizer().newDecoder();
        stops = new StopSequences(options.stop());
        stopIds = stopIds(options, session.model().info());
    }

    /** Computes the next token if there is one. */
    @Override
    public boolean hasNext() {
        if (next == null && finishReason == null) {
            advance();
        }
        return next != null;
    }

    @Override
    public GeneratedToken next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the generation ended: " + finishReason.label());
        }
        GeneratedToken token = next;
        next = null;
        return token;
    }

    private void advance() {
        if (count == options.maxTokens()) {
            finish(FinishReason.LENGTH);
            return;
        }
        if (cancellation.isCancelled()) {
            finish(FinishReason.CANCELLED);
            return;
        }
        long start = System.nanoTime();
        try {
            take(lookahead.choose(options.maxTokens() - count, options.listener(), cancellation));
        } catch (CancelledException e) {
            finish(FinishReason.CANCELLED);
        } finally {
            addTime(System.nanoTime() - start);
        }
    }

    private void addTime(long nanos) {
        if (prefillNanos == 0) {
            prefillNanos = nanos;
        } else {
            decodeNanos += nanos;
        }
    }

    private void take(int id) {
        if (stopIds.get(id)) {
            String held = finish(FinishReason.STOP_TOKEN);
            next = held.isEmpty() ? null : new GeneratedToken(id, held);
            return;
        }
        if (session.remaining() == 0) {
            String held = finish(FinishReason.CONTEXT_FULL);
            next = held.isEmpty() ? null : new GeneratedToken(id, held);
            return;
        }
        session.push(id);
        lookahead.accept(id);
        remember(id);
        StopSequences.Step step = stops.accept(decoder.push(id));
        text.append(step.text());
        String piece = step.text();
        if (step.stopped()) {
            finishReason = FinishReason.STOP_STRING;
        } else if (count == options.maxTokens()) {
            piece += finish(FinishReason.LENGTH);
        }
        next = new GeneratedToken(id, piece);
    }

    private static BitSet stopIds(GenerationOptions options, ModelInfo info) {
        BitSet ids = new BitSet();
        options.stopIds().stream().filter(id -> id >= 0).forEach(ids::set);
        if (!options.ignoreStopIds()) {
            info.stopIds().forEach(ids::set);
        }
        return ids;
    }

    private void remember(int id) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, 2 * count);
        }
        ids[count++] = id;
    }

    /** Ends, and gives the text that was held back because it might have become a character or a stop string. */
    private String finish(FinishReason reason) {
        StopSequences.Step step = stops.accept(decoder.finish());
        String held = step.text() + stops.flush();
        finishReason = step.stopped() ? FinishReason.STOP_STRING : reason;
        text.append(held);
        return held;
    }

    /** Ends the generation within milliseconds, also while it prefills. Any thread. */
    public void cancel() {
        cancellation.cancel();
    }

    /** The tokens still to come, as a stream. */
    public Stream<GeneratedToken> stream() {
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL), false);
    }

    /** Generates what is left and gives the whole text. */
    public String text() {
        while (hasNext()) {
            next();
        }
        return text.toString();
    }

    /** Ids generated so far, without a stop id. */
    public int[] ids() {
        return Arrays.copyOf(ids, count);
    }

    /** The seed of the random choices: that of the options, or the one that was drawn. */
    public long seed() {
        return sampler.seed();
    }

    /** Why it ended; empty while it has not. */
    public Optional<FinishReason> finishReason() {
        return Optional.ofNullable(finishReason);
    }

    /** Time spent so far, without that of the caller. */
    public Timings timings() {
        return new Timings(promptTokens, Duration.ofNanos(prefillNanos), count, Duration.ofNanos(decodeNanos));
    }

    /** How the output head found the tokens so far. */
    public HeadUse headUse() {
        return lookahead.headUse();
    }

    /** What drafts did so far. */
    public DraftUse draftUse() {
        return lookahead.use();
    }

    /** Ends the generation; what it gave to the session stays there. */
    @Override
    public void close() {
        cancel();
        if (finishReason == null) {
            finish(FinishReason.CANCELLED);
        }
    }
}
