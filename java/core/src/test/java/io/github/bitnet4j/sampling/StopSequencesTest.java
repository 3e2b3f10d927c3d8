package io.github.bitnet4j.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StopSequencesTest {

    private static StopSequences.Step step(String text, boolean stopped) {
        return new StopSequences.Step(text, stopped);
    }

    @Test
    void aStopStringMaySpanPieces() {
        StopSequences stops = new StopSequences(List.of("\nUser:"));
        assertEquals(step("Hello", false), stops.accept("Hello\n"));
        assertEquals(step("", false), stops.accept("Us"));
        assertEquals(step("", true), stops.accept("er: more"));
        assertEquals(step("", true), stops.accept("ignored"));
        assertEquals("", stops.flush());
    }

    @Test
    void whatTurnsOutToBeNoStopStringIsReleased() {
        StopSequences stops = new StopSequences(List.of("\nUser:"));
        assertEquals(step("a", false), stops.accept("a\nUs"));
        assertEquals(step("\nUsu", false), stops.accept("u\n"));
        assertEquals("\n", stops.flush());
    }

    @Test
    void noMoreThanNecessaryIsHeld() {
        StopSequences stops = new StopSequences(List.of("aab"));
        assertEquals(step("a", false), stops.accept("aaa"));
        assertEquals(step("", true), stops.accept("b"));
    }

    @Test
    void theFirstToEndCountsAndOfThoseTheLongest() {
        assertEquals(step("x", true), new StopSequences(List.of("bc", "abc")).accept("xabcd"));
        assertEquals(step("xa", true), new StopSequences(List.of("abcd", "b")).accept("xabcd"));
    }

    @Test
    void noneAndEmpty() {
        StopSequences none = new StopSequences(List.of());
        assertEquals(step("text", false), none.accept("text"));
        assertEquals("", none.flush());
        String message = assertThrows(IllegalArgumentException.class, () -> new StopSequences(List.of("a", ""))).getMessage();
        assertTrue(message.startsWith("a stop string is empty"));
    }

    /** However the text is cut: everything before the first end of a stop string comes out, and what is held begins one. */
    @Test
    void cutsDoNotMatter() {
        SplittableRandom random = new SplittableRandom(1);
        for (int round = 0; round < 30_000; round++) {
            List<String> stops = Stream.generate(() -> letters(random, 1 + random.nextInt(5))).limit(random.nextInt(4)).toList();
            String text = letters(random, random.nextInt(30));
            StopSequences sequences = new StopSequences(stops);
            StringBuilder shown = new StringBuilder();
            boolean stopped = false;
            int at = 0;
            while (at < text.length() && !stopped) {
                int to = Math.min(text.length(), at + random.nextInt(4));
                StopSequences.Step step = sequences.accept(text.substring(at, to));
                shown.append(step.text());
                stopped = step.stopped();
                at = to;
                String held = text.substring(shown.length(), at);
                assertTrue(stopped || held.isEmpty() || stops.stream().anyMatch(stop -> stop.startsWith(held)));
            }
            shown.append(sequences.flush());
            int end = end(text, stops);
            assertEquals(end >= 0, stopped);
            assertEquals(end >= 0 ? text.substring(0, end) : text, shown.toString());
        }
    }

    /** Where the text is cut, or -1 if no stop string is in it. */
    private static int end(String text, List<String> stops) {
        for (int to = 1; to <= text.length(); to++) {
            String prefix = text.substring(0, to);
            int longest = stops.stream().filter(prefix::endsWith).mapToInt(String::length).max().orElse(0);
            if (longest > 0) {
                return to - longest;
            }
        }
        return -1;
    }

    private static String letters(SplittableRandom random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + random.nextInt(3)));
        }
        return text.toString();
    }
}
