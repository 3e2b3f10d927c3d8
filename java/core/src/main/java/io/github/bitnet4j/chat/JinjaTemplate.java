package io.github.bitnet4j.chat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A Jinja template as Hugging Face tokenizers and GGUF files carry it, rendered by Jinjava in a sandbox: it reads no file, reaches no
 * Java object, and its output, time and depth are limited.
 *
 * <p>Variables: {@code messages} (each with {@code role} and {@code content}), {@code bos_token}, {@code eos_token},
 * {@code add_generation_prompt}. Functions: {@code raise_exception}, {@code strftime_now}, {@code namespace}, {@code range}. Python's
 * string, list and dictionary methods as far as templates are known to call them.
 *
 * <p>Not known, and refused with a clear message: {@code for ... if}, {@code {% generation %}}, {@code include}, {@code import} and
 * {@code extends}, steps of slices other than {@code [::-1]}, filters that no known template uses. Not as in Jinja: booleans
 * print in lower case; {@code none} prints as nothing, and so does an unknown variable wherever it is used. Messages are text: no images, no tools.
 *
 * <p>No message can forge a control token: while the template is rendered, the name of one inside a message is broken by a character
 * that no message has, which is taken out again afterwards. The one effect a template can see is that it does not find the name
 * of a control token in a message.
 */
public final class JinjaTemplate implements ChatTemplate {

    private static final Pattern LOOP_FILTER = Pattern.compile("\\{%-?\\s*for\\s(?:(?!%}).)*?\\sin\\s(?:(?!%}|\\selse\\s).)*\\sif\\s(?:(?!%}|\\selse\\s).)*%}",
            Pattern.DOTALL);
    /** A pattern that matches nowhere. */
    private static final String NOTHING = "(?!)";
    private static final Pattern BLANKS_BEFORE_BLOCK = Pattern.compile("(?m)^[ \\t]+(?=\\{[%#](?!\\+))");
    private static final Pattern LINE_END_AFTER_BLOCK = Pattern.compile("((?<!\\+)[%#]})\\n");
    private static final Pattern NAMESPACE = Pattern.compile("\\bnamespace\\(([^()'\"]*)\\)");
    private static final Pattern ARGUMENT = Pattern.compile("(\\w+)\\s*=\\s*([^,]+)");
    private static final Pattern NEGATED_TEST = Pattern.compile("\\bnot\\s+([\\w.\\[\\]'\"-]+)\\s+is\\s+(?!not\\b)");
    private static final Pattern GENERATION = Pattern.compile("\\{%-?\\s*(?:end)?generation\\s*-?%}");
    private static final Pattern EXPRESSION = Pattern.compile("\\{\\{.*?}}|\\{%.*?%}", Pattern.DOTALL);
    private static final int MAX_SOURCE = 1 << 18;
    private static final int MAX_EXPRESSION = 1 << 14;
    private static final int MAX_NESTING = 32;
    /** Unicode's noncharacters U+FDD0 to U+FDEF: meant for use inside a program, and for nothing else. */
    private static final char FIRST_NONCHARACTER = '\uFDD0';
    private static final char LAST_NONCHARACTER = '\uFDEF';

    private final String origin;
    private final String template;
    private final ChatFacts facts;
    private final Pattern controlTokens;
    private final Sandbox sandbox = new Sandbox();

    /**
     * @param origin where it comes from, for messages
     * @param source the template
     * @param facts  of the model
     * @throws ChatTemplateException if it cannot be parsed
     */
    JinjaTemplate(String origin, String source, ChatFacts facts) {
        this.origin = origin;
        this.facts = facts;
        checkSize(source);
        template = toJinjava(source);
        controlTokens = Pattern.compile(facts.controlTokens().stream()
                .filter(token -> !token.isEmpty())
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.collectingAndThen(Collectors.joining("|"), any -> any.isEmpty() ? NOTHING : any)));
        if (LOOP_FILTER.matcher(template).find()) {
            throw failed("it filters a loop ('for ... if'), which is not known here", "be used");
        }
        if (GENERATION.matcher(template).find()) {
            throw failed("it has a 'generation' block, which is not known here", "be used");
        }
        try {
            sandbox.parse(template);
        } catch (ChatTemplateException e) {
            throw failed(e.getMessage(), "be parsed");
        }
    }

    /** Jinjava's parser takes time that grows with the square of an expression, and much faster with its nesting. */
    private void checkSize(String source) {
        if (source.length() > MAX_SOURCE) {
            throw failed("it has more than " + MAX_SOURCE + " characters", "be used");
        }
        int nesting = 0;
        for (int i = 0; i < source.length(); i++) {
            switch (source.charAt(i)) {
                case '(', '[', '{' -> nesting++;
                case ')', ']', '}' -> nesting = Math.max(0, nesting - 1);
                default -> { }
            }
            if (nesting > MAX_NESTING) {
                throw failed("its brackets are nested more than " + MAX_NESTING + " deep", "be used");
            }
        }
        Matcher expression = EXPRESSION.matcher(source);
        while (expression.find()) {
            if (expression.end() - expression.start() > MAX_EXPRESSION) {
                throw failed("an expression has more than " + MAX_EXPRESSION + " characters", "be used");
            }
        }
    }

    /**
     * To what Jinjava reads as Jinja, set up by Hugging Face, reads the source. The line end after a block and the blanks of a line before
     * one are not part of the text ({@code trim_blocks}, {@code lstrip_blocks}; Jinjava's own drop blanks between blocks of a line
     * too), nor is a line end at the end; {@code not x is y} is {@code not (x is y)}; the arguments of {@code namespace} are whole
     * expressions; and Jinjava lacks the step of a slice.
     */
    private static String toJinjava(String source) {
        String text = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
        text = BLANKS_BEFORE_BLOCK.matcher(text).replaceAll("");
        text = LINE_END_AFTER_BLOCK.matcher(text).replaceAll("$1");
        text = NEGATED_TEST.matcher(text).replaceAll("$1 is not ");
        text = NAMESPACE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(
                "namespace(" + ARGUMENT.matcher(found.group(1)).replaceAll("$1=($2)") + ")"));
        return text.replace("[::-1]", "|reverse|list");
    }

    @Override
    public String description() {
        return origin;
    }

    @Override
    public List<PromptPart> render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        char guard = unused(messages);
        Map<String, Object> variables = new HashMap<>();
        variables.put("messages", messages.stream().map(message -> {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("role", message.role().templateName());
            fields.put("content", guarded(message.content(), guard));
            return fields;
        }).collect(Collectors.toCollection(ArrayList::new)));
        variables.put("bos_token", facts.bosToken().orElse(""));
        variables.put("eos_token", facts.eosToken().orElse(""));
        variables.put("add_generation_prompt", addGenerationPrompt);
        try {
            return parts(sandbox.render(template, variables), guard);
        } catch (ChatTemplateException e) {
            throw failed(e.getMessage(), "be rendered");
        }
    }

    private ChatTemplateException failed(String reason, String what) {
        return new ChatTemplateException("the chat template " + origin + " cannot " + what + ": " + reason
                + "; --chat-template takes another");
    }

    private char unused(List<ChatMessage> messages) {
        for (char c = FIRST_NONCHARACTER; c <= LAST_NONCHARACTER; c++) {
            char candidate = c;
            if (template.indexOf(c) < 0 && messages.stream().allMatch(message -> message.content().indexOf(candidate) < 0)) {
                return c;
            }
        }
        throw failed("the messages contain every one of Unicode's noncharacters U+FDD0 to U+FDEF", "be rendered");
    }

    private String guarded(String content, char guard) {
        return controlTokens.matcher(content).replaceAll(found -> Matcher.quoteReplacement(
                found.group().charAt(0) + String.valueOf(guard) + found.group().substring(1)));
    }

    private List<PromptPart> parts(String prompt, char guard) {
        List<PromptPart> parts = new ArrayList<>();
        Matcher matcher = controlTokens.matcher(prompt);
        int from = 0;
        while (matcher.find()) {
            addPlain(parts, prompt.substring(from, matcher.start()), guard);
            parts.add(PromptPart.control(matcher.group()));
            from = matcher.end();
        }
        addPlain(parts, prompt.substring(from), guard);
        return parts;
    }

    private static void addPlain(List<PromptPart> parts, String text, char guard) {
        if (!text.isEmpty()) {
            parts.add(PromptPart.plain(text.replace(String.valueOf(guard), "")));
        }
    }
}
