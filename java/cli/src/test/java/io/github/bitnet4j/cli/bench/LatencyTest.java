package io.github.bitnet4j.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatencyTest {
    @Test
    void quantilesAreTokensThatWereSeen() {
        Latency latency = Latency.of(LongStream.rangeClosed(1, 200).map(n -> (201 - n) * 1_000_000).toArray());
        assertEquals(100, latency.p50());
        assertEquals(180, latency.p90());
        assertEquals(198, latency.p99());
        assertEquals(200, latency.max());
        assertEquals(1.98, latency.p99OverP50(), 1e-12);
        assertEquals(1.98, Latency.tail(DoubleStream.iterate(200, t -> t - 1).limit(200).toArray()), 1e-12);
    }

    @Test
    void theHistogramHasEveryTokenInOneOfItsNeighbouringBuckets() {
        Latency latency = Latency.of(new long[] {1_000_000, 1_000_000, 1_040_000, 1_100_000, 5_000_000});
        assertEquals(5, latency.histogram().stream().mapToInt(Latency.Bucket::tokens).sum());
        assertEquals(3, latency.histogram().getFirst().tokens());
        assertEquals(1, latency.histogram().getLast().tokens());
        for (int i = 1; i < latency.histogram().size(); i++) {
            assertEquals(latency.histogram().get(i - 1).to(), latency.histogram().get(i).from());
        }
        assertTrue(latency.histogram().getLast().to() >= latency.max());
    }
}
