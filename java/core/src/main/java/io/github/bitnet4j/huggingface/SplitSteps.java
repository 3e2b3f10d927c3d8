package io.github.bitnet4j.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.bitnet4j.tokenizer.NamedSplit;
import io.github.bitnet4j.tokenizer.SplitStep;
import io.github.bitnet4j.tokenizer.SplitStep.Behavior;
import io.github.bitnet4j.tokenizer.SplitStep.Expression;
import io.github.bitnet4j.tokenizer.SplitStep.Whole;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/** {@code pre_tokenizer} of a {@code tokenizer.json}, step by step, for byte-level BPE. Source: Hugging Face's tokenizers. */
final class SplitSteps {
    private static final String SPACE = "\\s";
    /** A character of a word in the sense of Unicode's technical standard 18. */
    private static final String WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
    /** The library's list is that of Unicode 8, in which U+166D and U+111C9 were punctuation, and ASCII's. */
    private static final String PUNCTUATION = "[$+<=>^`|~\\u166D\\x{111C9}[\\p{P}&&\\p{Age=8.0}]]";

    private final Function<String, RuntimeException> problem;

    /** @param problem makes an exception of what the file does that cannot be done here */
    SplitSteps(Function<String, RuntimeException> problem) {
        this.problem = problem;
    }

    /** The steps of {@code node}, which may be absent, one step, or a sequence. */
    List<SplitStep> of(JsonNode node) {
        List<SplitStep> steps = new ArrayList<>();
        add(node, steps);
        if (!steps.contains(Whole.BYTES)) {
            throw problem.apply((node.isObject() ? "splits text by " + node : "has no pre_tokenizer") + ", without ByteLevel; a vocabulary that neither falls back on bytes nor is "
                    + "byte-level cannot be used here");
        }
        return steps;
    }

    private void add(JsonNode node, List<SplitStep> steps) {
        switch (node.path("type").asText()) {
            case "Sequence" -> node.path("pretokenizers").forEach(step -> add(step, steps));
            case "Split" -> steps.add(new Expression(behavior(node), node.path("invert").asBoolean(), pattern(node)));
            case "Digits" -> steps.add(new Expression(node.path("individual_digits").asBoolean() ? Behavior.ISOLATED : Behavior.CONTIGUOUS,
                    false, NamedSplit.NUMBER));
            case "Punctuation" -> steps.add(new Expression(behavior(node), false, PUNCTUATION));
            case "Whitespace" -> steps.add(new Expression(Behavior.REMOVED, true, "[" + WORD + "]+|[^" + WORD + "\\s]+"));
            case "WhitespaceSplit" -> steps.add(new Expression(Behavior.REMOVED, false, SPACE));
            case "BertPreTokenizer" -> {
                steps.add(new Expression(Behavior.REMOVED, false, SPACE));
                steps.add(new Expression(Behavior.ISOLATED, false, PUNCTUATION));
            }
            case "CharDelimiterSplit" -> steps.add(new Expression(Behavior.REMOVED, false, literally(node.path("delimiter").asText())));
            case "ByteLevel" -> addBytes(node, steps);
            case "" -> { } // none
            default -> throw problem.apply("splits text by " + node + ", which is not known here; known: Sequence, Split, ByteLevel, "
                    + "Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit");
        }
    }

    private void addBytes(JsonNode node, List<SplitStep> steps) {
        if (node.path("add_prefix_space").asBoolean()) {
            steps.add(Whole.SPACE);
        }
        if (node.path("use_regex").asBoolean(true)) {
            steps.add(new Expression(Behavior.ISOLATED, false, NamedSplit.GPT_2_EXPRESSION));
        }
        steps.add(Whole.BYTES);
    }

    private Behavior behavior(JsonNode node) {
        String name = node.path("behavior").asText("Isolated");
        return Arrays.stream(Behavior.values()).filter(behavior -> name(behavior).equals(name)).findFirst().orElseThrow(
                () -> problem.apply("splits text by " + node + ", whose behavior is not known here; known: "
                        + Arrays.stream(Behavior.values()).map(SplitSteps::name).collect(Collectors.joining(", "))));
    }

    /** As the file has it: {@code MERGED_WITH_NEXT} is {@code MergedWithNext}. */
    private static String name(Behavior behavior) {
        return Arrays.stream(behavior.name().split("_")).map(word -> word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining());
    }

    private String pattern(JsonNode node) {
        JsonNode pattern = node.path("pattern");
        if (!pattern.path("Regex").isTextual() && !pattern.path("String").isTextual()) {
            throw problem.apply("splits text by " + node + ", whose pattern is neither a Regex nor a String");
        }
        return pattern.path("Regex").isTextual() ? pattern.path("Regex").textValue() : literally(pattern.path("String").textValue());
    }

    /** The expression that matches just this text. */
    private static String literally(String text) {
        return text.replaceAll("[\\\\.*?+^$|()\\[\\]{}]", "\\\\$0");
    }
}
