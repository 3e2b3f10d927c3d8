package io.github.bitnet4j.bench;

import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.KernelShapes;
import io.github.bitnet4j.model.KernelTrial;
import io.github.bitnet4j.synth.SynthPreset;
import io.github.bitnet4j.synth.SynthSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * JMH with the cases of {@link KernelBenchmark}: every kernel of the native table that this CPU can run, at every shape of a
 * published model, with one thread and with all. Choices, each a list, before JMH's own options reach it:
 * <pre>
 *   -p kernel=gemv_i2s,coarse   kernels whose names contain a word
 *   -p model=2b-4t              shapes of a model: 2b-4t (unless told otherwise) or another preset of 'bitnet synth'
 *   -p shape=2560x6912          rows x columns
 *   -p n=1,128                  rows of activations
 *   -p threads=1,2
 * </pre>
 */
public final class Main {
    private static final List<String> CHOICES = List.of("kernel", "model", "shape", "n", "threads");

    private Main() {}

    public static void main(String[] arguments) throws IOException {
        Map<String, List<String>> chosen = new HashMap<>();
        List<String> jmh = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            String[] choice = i + 1 < arguments.length ? arguments[i + 1].split("=", 2) : new String[0];
            if (arguments[i].equals("-p") && choice.length == 2 && CHOICES.contains(choice[0])) {
                chosen.put(choice[0], List.of(choice[1].split(",")));
                i++;
            } else {
                jmh.add(arguments[i]);
            }
        }
        List<Case> cases = cases(chosen);
        if (cases.isEmpty()) {
            System.err.println("no kernel that this CPU can run has such a case; -p takes " + String.join(", ", CHOICES));
            System.exit(2);
        }
        jmh.addAll(List.of("-p", "trial=" + cases.stream().map(Case::toString).collect(Collectors.joining(","))));
        org.openjdk.jmh.Main.main(jmh.toArray(String[]::new));
    }

    static List<Case> cases(Map<String, List<String>> chosen) {
        List<String> isas = Cpu.isas().stream().filter(Cpu.Isa::supported).map(Cpu.Isa::name).toList();
        List<KernelShapes> models = chosen.getOrDefault("model", List.of(SynthPreset.B2_4T.id())).stream().map(Main::shapes).toList();
        List<Integer> threads = chosen.containsKey("threads") ? chosen.get("threads").stream().map(Integer::valueOf).toList()
                : Stream.of(1, Cpu.physicalCores()).distinct().toList();
        List<Case> cases = new ArrayList<>();
        for (Cpu.Kernel kernel : Cpu.kernels()) {
            boolean wanted = isas.contains(kernel.isa())
                    && (!chosen.containsKey("kernel") || chosen.get("kernel").stream().anyMatch(kernel.name()::contains));
            for (KernelShapes model : wanted ? models : List.<KernelShapes>of()) {
                for (KernelTrial.Shape shape : model.of(kernel)) {
                    if (among(chosen, "shape", shape.rows() + "x" + shape.cols()) && among(chosen, "n", "" + shape.n())) {
                        threads.forEach(count -> cases.add(new Case(kernel.name(), shape, count)));
                    }
                }
            }
        }
        return cases;
    }

    private static boolean among(Map<String, List<String>> chosen, String choice, String value) {
        return !chosen.containsKey(choice) || chosen.get(choice).contains(value);
    }

    private static KernelShapes shapes(String id) {
        SynthSpec spec = SynthPreset.byId(id).orElseThrow(() -> new IllegalArgumentException(
                "model=" + id + " is no published shape; there are " + SynthPreset.ids())).spec();
        return new KernelShapes(spec.hidden(), spec.ffn(), spec.heads(), spec.kvHeads(), spec.headDim(), spec.vocab());
    }
}
