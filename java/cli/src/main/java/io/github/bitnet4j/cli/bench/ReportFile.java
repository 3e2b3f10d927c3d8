package io.github.bitnet4j.cli.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.BitNetException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

/** Understands the JSON of {@code bitnet bench --json} and of {@code llama-bench -o json}. */
public final class ReportFile {
    private ReportFile() {}

    /** Whether a document is one of ours. */
    public static boolean isReport(JsonNode document) {
        return document.isObject() && document.path("tests").isArray() && document.path("roofs").isArray();
    }

    /**
     * The tests of a report of either program.
     *
     * @param report the document as one of ours, if it {@link #isReport is one}; otherwise ignored
     * @throws BitNetException if it is neither
     */
    public static List<Sampled> samples(Path file, JsonNode document, BenchReport report) {
        if (isReport(document)) {
            return report.tests().stream().map(Sampled::of).toList();
        }
        if (!document.isArray() || document.isEmpty()
                || !StreamSupport.stream(document.spliterator(), false).allMatch(ReportFile::isTestOfLlamaBench)) {
            throw new BitNetException(file + " is neither the output of 'bitnet bench --json' nor that of 'llama-bench -o json'");
        }
        List<Sampled> tests = new ArrayList<>();
        document.forEach(test -> tests.add(ofLlamaBench(test)));
        return tests;
    }

    private static boolean isTestOfLlamaBench(JsonNode test) {
        return test.path("n_prompt").canConvertToInt() && test.path("n_gen").canConvertToInt()
                && test.path("n_threads").canConvertToInt() && test.path("samples_ts").isArray() && !test.path("samples_ts").isEmpty();
    }

    private static Sampled ofLlamaBench(JsonNode test) {
        double[] samples = StreamSupport.stream(test.path("samples_ts").spliterator(), false).mapToDouble(JsonNode::asDouble).toArray();
        List<String> setting = List.of(test.path("model_type").asText("?"), test.path("type_k").asText("?") + " kv",
                "batch " + test.path("n_ubatch").asInt());
        return new Sampled("llama-bench " + test.path("build_commit").asText("?"), setting, name(test),
                test.path("n_threads").asInt(), samples);
    }

    private static String name(JsonNode test) {
        int prompt = test.path("n_prompt").asInt();
        int generated = test.path("n_gen").asInt();
        String name = (prompt > 0 ? "pp" + prompt : "") + (prompt > 0 && generated > 0 ? "+" : "")
                + (generated > 0 ? "tg" + generated : "");
        int depth = test.path("n_depth").asInt();
        return name + (depth == 0 ? "" : " @ d" + depth);
    }
}
