package io.github.bitnet4j.cli.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.github.bitnet4j.api.HeadUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All that a run of {@code bitnet bench} found out; its JSON is read again by {@code --from} and {@code --compare}.
 *
 * @param cpu         the processor's name
 * @param tests       of models
 * @param tuning      what {@code bitnet tune} remembered, as it is in its file; null for nothing
 * @param kernels     names by operation and format, of the last model that was measured
 * @param headUse     what the head did for all generated tokens
 * @param roofs       what bounds tests and kernels
 * @param trials      of single kernels
 * @param comparisons with other reports
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record BenchReport(String cpu, List<TestResult> tests, Object tuning, Map<String, String> kernels, HeadUse headUse, List<Roof> roofs,
                          List<KernelResult> trials, List<Comparison> comparisons) {

    public BenchReport withComparisons(List<Comparison> comparisons) {
        return new BenchReport(cpu, tests, tuning, kernels, headUse, roofs, trials, comparisons);
    }

    /** All rows of several reports; the processor's name and the tuning are those of the first. */
    public static BenchReport of(List<BenchReport> reports) {
        List<TestResult> tests = new ArrayList<>();
        Map<String, String> kernels = new TreeMap<>();
        List<Roof> roofs = new ArrayList<>();
        List<KernelResult> trials = new ArrayList<>();
        HeadUse use = new HeadUse(0, 0, 0);
        for (BenchReport report : reports) {
            tests.addAll(report.tests());
            kernels.putAll(report.kernels());
            roofs.addAll(report.roofs());
            trials.addAll(report.trials());
            use = use.plus(report.headUse());
        }
        return new BenchReport(reports.getFirst().cpu(), tests, reports.getFirst().tuning(), kernels, use, roofs, trials, List.of());
    }
}
