package io.github.bitnet4j.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.bitnet4j.draft.Draft;
import io.github.bitnet4j.model.Cancellation;
import io.github.bitnet4j.model.Golden;
import io.github.bitnet4j.model.HeadMode;
import io.github.bitnet4j.sampling.Sampler;
import io.github.bitnet4j.sampling.SamplingOptions;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a token leaves on the Java heap once the code is compiled, as the JVM counts it for the generating thread. Until then
 * the interpreter makes objects that the compiler does not, so the least of many rounds counts.
 */
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int TOKENS = 200;
    private static final int ROUNDS = 60;

    static List<Arguments> ways() {
        SamplingOptions sampled = SamplingOptions.DEFAULT.withSeed(1).withRepetitionPenalty(1.1f);
        return List.of(Arguments.of(HeadMode.EXACT, SamplingOptions.GREEDY), Arguments.of(HeadMode.EXACT, sampled),
                Arguments.of(HeadMode.TWO_PASS, SamplingOptions.GREEDY), Arguments.of(HeadMode.TWO_PASS, sampled));
    }

    private interface Steps {
        void run(int tokens);
    }

    /** Bytes a token: a round begins with some tokens that are not counted, in which arrays grow. */
    private static double leastBytes(double enough, Runnable begin, Steps steps) {
        double least = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS && least > enough; round++) {
            begin.run();
            steps.run(TOKENS / 2);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            steps.run(TOKENS);
            least = Math.min(least, (double) (THREADS.getCurrentThreadAllocatedBytes() - before) / TOKENS);
        }
        return least;
    }

    /** The forward pass, the head, sampling, guesses as many as there is room for: nothing. */
    @ParameterizedTest
    @MethodSource("ways")
    void idsLeaveNothing(HeadMode head, SamplingOptions sampling) {
        for (Draft draft : new Draft[] {Draft.NONE, Draft.LOOKUP}) {
            try (BitNetModel model = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withHead(head));
                    Session session = model.newSession()) {
                for (int rows = 2; rows <= Draft.LIMIT + 1; rows++) {
                    session.passTimes().passed(rows, 1);
                }
                Sampler sampler = new Sampler(sampling);
                Lookahead lookahead = new Lookahead(session, draft, sampler);
                Cancellation never = new Cancellation();
                double bytes = leastBytes(0, () -> {
                    session.rewind(0);
                    session.push(1);
                }, tokens -> {
                    for (int i = 0; i < tokens; i++) {
                        int id = lookahead.choose(TOKENS, PrefillListener.NONE, never);
                        session.push(id);
                        lookahead.accept(id);
                    }
                });
                assertEquals(0, bytes, draft.toString());
                assertEquals(draft == Draft.LOOKUP, lookahead.use().accepted() > 0);
            }
        }
    }

    /**
     * A {@link GeneratedToken} of 16 to 24 bytes, its String of 24 and that one's array of some characters, the decoder's copy of
     * the token's bytes, a step of the stop strings, and its share of the growing text: what the user is given, and no more.
     */
    @ParameterizedTest
    @MethodSource("ways")
    void aTokenLeavesItsText(HeadMode head, SamplingOptions sampling) {
        try (BitNetModel model = BitNetModel.open(Golden.MODEL, ModelOptions.DEFAULT.withHead(head));
                Session session = model.newSession()) {
            Generation[] generation = new Generation[1];
            double bytes = leastBytes(256, () -> {
                session.rewind(0);
                generation[0] = session.generate("ROMEO:", GenerationOptions.tokens(2 * TOKENS).withSampling(sampling)
                        .withIgnoreStopIds(true));
            }, tokens -> {
                for (int i = 0; i < tokens; i++) {
                    generation[0].next();
                }
            });
            assertTrue(bytes <= 256, bytes + " bytes a token");
        }
    }
}
