package io.github.bitnet4j.chat;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.Importable;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import com.hubspot.jinjava.objects.date.StrftimeFormatter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Jinjava as templates of unknown origin may use it: no files, no reflection ({@link PythonMembers}), lists of allowed tags, filters
 * and functions, and limits of output, collections, depth, steps and time, the last two looked at from node to node. With the
 * functions and filters that templates of Hugging Face expect.
 */
final class Sandbox {

    private static final Duration TIME = Duration.ofSeconds(10);
    /** Characters of any string, and of the prompt. */
    static final int MAX_TEXT = 8 << 20;
    private static final int MAX_NODES = 1_000_000;
    private static final int MAX_ITEMS = 100_000;
    private static final int MAX_DEPTH = 20;

    private static final Set<String> TAGS = Set.of("if", "elif", "else", "for", "set", "macro", "raw", "break", "continue", "do", "call",
            "endif", "endfor", "endset", "endmacro", "endraw", "enddo", "endcall");
    private static final Set<String> FILTERS = Set.of("trim", "upper", "lower", "title", "capitalize", "length", "count", "first", "last", "join",
            "replace", "tojson", "default", "d", "list", "int", "float", "string", "reverse", "sort", "map", "select", "reject", "selectattr",
            "rejectattr", "unique", "safe", "abs", "round", "sum", "items");

    private static final Set<String> FUNCTIONS = Set.of(":range", ":namespace");

    /** What is left to the rendering under way on this thread. */
    private static final ScopedValue<Budget> BUDGET = ScopedValue.newInstance();

    private final Jinjava jinjava;

    Sandbox() {
        Jinjava everything = new Jinjava();
        Map<Context.Library, Set<String>> disabled = new EnumMap<>(Context.Library.class);
        disabled.put(Context.Library.TAG, namesExcept(TAGS, everything.getGlobalContext().getAllTags()));
        disabled.put(Context.Library.FILTER, namesExcept(FILTERS, everything.getGlobalContext().getAllFilters()));
        disabled.put(Context.Library.FUNCTION, everything.getGlobalContext().getAllFunctions().stream()
                .map(ELFunctionDefinition::getName).filter(name -> !FUNCTIONS.contains(name))
                .collect(Collectors.toUnmodifiableSet()));
        jinjava = new Jinjava(JinjavaConfig.newBuilder()
                .withDisabled(disabled)
                .withElResolver(new PythonMembers())
                .withNestedInterpretationEnabled(false)
                .withMaxOutputSize(MAX_TEXT)
                .withMaxStringLength(MAX_TEXT)
                .withMaxListSize(MAX_ITEMS)
                .withMaxMapSize(MAX_ITEMS)
                .withRangeLimit(MAX_ITEMS)
                .withMaxRenderDepth(MAX_DEPTH)
                .withEnableRecursiveMacroCalls(false)
                .withLegacyOverrides(LegacyOverrides.Builder.from(LegacyOverrides.ALL).withWhitespaceRequiredWithinTokens(false).build())
                .withProcessors(JinjavaProcessors.newBuilder()
                        .withNodePreProcessor((node, interpreter) -> BUDGET.get().spend())
                        .withNodePostProcessor(Sandbox::checkSet)
                        .build())
                .build());
        jinjava.setResourceLocator((name, charset, interpreter) -> {
            throw new ResourceNotFoundException("a chat template cannot read '" + name + "'");
        });
        Context context = jinjava.getGlobalContext();
        context.registerFunction(new ELFunctionDefinition("", "raise_exception", Functions.class, "raise", Object.class));
        context.registerFunction(new ELFunctionDefinition("", "strftime_now", Functions.class, "strftimeNow", String.class));
        context.registerFilter(new TextFilter("trim", PythonStrings::strip));
        context.registerFilter(new TextFilter("capitalize", PythonStrings::capitalize));
        context.registerFilter(new TextFilter("string", text -> text));
        context.registerFilter(new TextFilter("upper", text -> text.toUpperCase(Locale.ROOT)));
        context.registerFilter(new TextFilter("lower", text -> text.toLowerCase(Locale.ROOT)));
        context.registerFilter(new JoinFilter());
        context.registerFilter(new ReplaceFilter());
        context.registerFilter(new JsonFilter());
        context.registerFilter(new ItemsFilter());
    }

    private static Set<String> namesExcept(Set<String> allowed, Collection<? extends Importable> all) {
        return all.stream().map(Importable::getName).filter(name -> !allowed.contains(name)).collect(Collectors.toUnmodifiableSet());
    }

    /** After each {@code set}: lists in lists, the same ones again and again, could stand for more than any memory holds. */
    private static void checkSet(Node node, JinjavaInterpreter interpreter) {
        if (node instanceof TagNode tag && tag.getName().equals("set")) {
            for (String name : tag.getHelpers().split("=", 2)[0].split(",")) {
                checkSize(interpreter.getContext().get(name.trim().split("\\.", 2)[0]));
            }
        }
    }

    /** Refuses a value that is written with more than {@link #MAX_ITEMS} items. */
    static void checkSize(Object value) {
        if (countItems(value, 0) > MAX_ITEMS) {
            throw new ChatTemplateException("it makes a list of more than " + MAX_ITEMS + " items");
        }
    }

    private static int countItems(Object value, int count) {
        Iterable<?> items = value instanceof Map<?, ?> map ? map.values() : value instanceof Iterable<?> iterable ? iterable : List.of();
        for (Object item : items) {
            count = count > MAX_ITEMS ? count : countItems(item, count + 1);
        }
        return count;
    }

    private static final class Budget {
        private final long deadline = System.nanoTime() + TIME.toNanos();
        private int nodes;

        void spend() {
            if (++nodes > MAX_NODES) {
                throw new ChatTemplateException("it takes more than " + MAX_NODES + " steps");
            }
            if (System.nanoTime() - deadline > 0) {
                throw new ChatTemplateException("it takes longer than " + TIME.toSeconds() + " s");
            }
        }
    }

    /** @return what the template says to these variables */
    String render(String template, Map<String, Object> variables) {
        return run(() -> {
            RenderResult result = jinjava.renderForResult(template, variables);
            check(result.getErrors());
            return result.getOutput();
        });
    }

    /** Parses only. */
    void parse(String template) {
        run(() -> {
            JinjavaInterpreter interpreter = jinjava.newInterpreter();
            interpreter.parse(template);
            check(interpreter.getErrors());
            return "";
        });
    }

    private static String run(Supplier<String> work) {
        try {
            return ScopedValue.where(BUDGET, new Budget()).call(work::get);
        } catch (StackOverflowError e) {
            throw new ChatTemplateException("it is nested too deeply");
        } catch (OutOfMemoryError e) { // what was to be built is garbage by now
            throw new ChatTemplateException("it takes too much memory");
        } catch (RuntimeException e) {
            throw cause(e).orElseGet(() -> new ChatTemplateException(String.valueOf(e.getMessage())));
        }
    }

    /** An unknown variable is no error, as in Jinja: it is empty. */
    private static void check(List<TemplateError> errors) {
        for (TemplateError error : errors) {
            if (error.getReason() != TemplateError.ErrorReason.UNKNOWN || error.getSeverity() == TemplateError.ErrorType.FATAL) {
                throw cause(error.getException())
                        .orElseGet(() -> new ChatTemplateException("line " + error.getLineno() + ": " + error.getMessage()));
            }
        }
    }

    private static Optional<ChatTemplateException> cause(Throwable thrown) {
        return Stream.iterate(thrown, Objects::nonNull, Throwable::getCause)
                .filter(ChatTemplateException.class::isInstance).map(ChatTemplateException.class::cast).findFirst();
    }

    /** Public because Jinjava calls them by reflection; the class around them is not. */
    public static final class Functions {

        private Functions() {}

        /** {@code raise_exception(message)}: the template refuses. */
        public static Object raise(Object message) {
            throw new ChatTemplateException("it refuses: " + message);
        }

        /** {@code strftime_now(format)}: the local time, with the directives of C that templates use. */
        public static String strftimeNow(String format) {
            return StrftimeFormatter.format(ZonedDateTime.now(), format, Locale.ENGLISH);
        }
    }

    private record TextFilter(String getName, UnaryOperator<String> operator) implements Filter {
        @Override
        public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
            return operator.apply(PythonStrings.text(value));
        }
    }

    private record JoinFilter() implements Filter {
        @Override
        public String getName() {
            return "join";
        }

        @Override
        public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
            if (arguments.length > 1) {
                throw new ChatTemplateException("it joins with an attribute, which is not known here");
            }
            return PythonStrings.call(arguments.length == 0 ? "" : PythonStrings.text(arguments[0]), "join", new Object[] {value});
        }
    }

    private record ReplaceFilter() implements Filter {
        @Override
        public String getName() {
            return "replace";
        }

        @Override
        public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
            return PythonStrings.call(PythonStrings.text(value), "replace", arguments);
        }
    }

    private record ItemsFilter() implements Filter {
        @Override
        public String getName() {
            return "items";
        }

        @Override
        public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
            return value instanceof Map<?, ?> map ? PythonMembers.items(map) : List.of();
        }
    }

    private record JsonFilter() implements Filter {
        @Override
        public String getName() {
            return "tojson";
        }

        @Override
        public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
            return PythonJson.dumps(value, arguments.length == 0 || arguments[0] == null ? 0 : Integer.parseInt(arguments[0]));
        }
    }
}
