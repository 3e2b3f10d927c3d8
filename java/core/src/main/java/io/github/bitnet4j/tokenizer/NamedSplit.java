package io.github.bitnet4j.tokenizer;

import io.github.bitnet4j.tokenizer.SplitStep.Behavior;
import io.github.bitnet4j.tokenizer.SplitStep.Expression;
import io.github.bitnet4j.tokenizer.SplitStep.Whole;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The splits that have a name. Names are those of {@code tokenizer.ggml.pre} in llama.cpp ({@code src/llama-vocab.cpp}) and its
 * converters.
 */
public enum NamedSplit {
    /**
     * Llama 3: see {@link LlamaSplit}. A piece that is itself a token is taken whole. Falcon3 has this split in llama.cpp, and so have
     * Falcon-H1 and Falcon-E: what bitnet.cpp calls {@code falcon_e} is the tokenizer that llama.cpp calls {@code falcon-h1}, by the
     * same hash of the same test text.
     */
    LLAMA_BPE(Optional.of(3), true, List.of(llama("{1,3}")), "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "falcon_e"),
    /** Qwen 2, 2.5 and 3: as Llama 3 with each digit alone, and nothing taken whole. */
    QWEN2(Optional.of(1), false, List.of(llama("")), "qwen2"),
    /** GPT-2's own, and that of GPT-NeoX. */
    GPT_2(Optional.empty(), false, List.of(NamedSplit.GPT_2_EXPRESSION), "gpt-2", "olmo"),
    /** SmolLM and StarCoder: GPT-2's with each digit alone. */
    SMOLLM(Optional.empty(), false, List.of(NamedSplit.NUMBER, NamedSplit.GPT_2_EXPRESSION), "smollm", "starcoder");

    /** What {@code ByteLevel} splits by where {@code use_regex} is true; it matches everything. */
    public static final String GPT_2_EXPRESSION =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    /** What {@code Digits} splits by. */
    public static final String NUMBER = "\\p{N}";

    private final Optional<Integer> digits;
    private final boolean isLlama;
    private final List<SplitStep> steps;
    private final List<String> names;

    NamedSplit(Optional<Integer> digits, boolean isLlama, List<String> expressions, String... names) {
        this.digits = digits;
        this.isLlama = isLlama;
        this.steps = withBytes(expressions);
        this.names = List.of(names);
    }

    private static List<SplitStep> withBytes(List<String> expressions) {
        Stream<SplitStep> cuts = expressions.stream().map(expression -> new Expression(Behavior.ISOLATED, false, expression));
        return Stream.concat(cuts, Stream.of(Whole.BYTES)).toList();
    }

    private static String llama(String times) {
        return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + times
                + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }

    /**
     * @param name a value of {@code tokenizer.ggml.pre}
     * @return its split
     * @throws VocabularyException for a name not known here; the message lists those that are
     */
    public static NamedSplit named(String name) {
        return Arrays.stream(values()).filter(split -> split.names.contains(name)).findFirst().orElseThrow(
                () -> new VocabularyException("the pre-tokenizer '" + name + "' is not known here; known: " + knownNames()));
    }

    /**
     * @param steps the steps of a {@code tokenizer.json}
     * @return the split that makes the same pieces, if one has a name
     */
    public static Optional<NamedSplit> of(List<SplitStep> steps) {
        return Arrays.stream(values()).filter(split -> split.isMadeBy(steps)).findFirst();
    }

    /** Whether these are the steps, or match the same and keep only what matches, where the last expression matches everything. */
    private boolean isMadeBy(List<SplitStep> others) {
        int last = steps.size() - 2;
        return others.size() == steps.size() && others.get(last) instanceof Expression expression && expression.isolatesMatches()
                && new Expression(Behavior.ISOLATED, false, expression.expression()).equals(steps.get(last))
                && steps.subList(0, last).equals(others.subList(0, last)) && others.getLast() == Whole.BYTES;
    }

    /** @return the name for {@code tokenizer.ggml.pre} that most programs know */
    public String ggufName() {
        return names.getFirst();
    }

    /** @return whether a piece that is itself a token is taken as it is, even if no merges lead to it, where the file does not say so */
    public boolean wholePieces() {
        return isLlama;
    }

    /** Whether models of this family expect BOS where the file does not say so. */
    boolean addsBos() {
        return isLlama;
    }

    /** How many digits at most are a piece of those that {@link LlamaSplit} makes. */
    Optional<Integer> digits() {
        return digits;
    }

    List<SplitStep> steps() {
        return steps;
    }

    /** @return every name that {@link #named} takes, separated by commas */
    public static String knownNames() {
        return Arrays.stream(values()).flatMap(split -> split.names.stream()).collect(Collectors.joining(", "));
    }
}
