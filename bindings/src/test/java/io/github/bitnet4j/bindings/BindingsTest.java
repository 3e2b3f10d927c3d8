package io.github.bitnet4j.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The committed bindings say what bitnet.h, the C compiler and the built library say: nothing is missing on either
 * side, and every type, offset and value is the same. Run bindings/regenerate when this fails after a change of the
 * header.
 */
class BindingsTest {
    private static final String HEADER = withoutComments(read("bitnet.header"));
    private static final Pattern FUNCTION = Pattern.compile("BN_API\\s+([^;#]+?)(bn_\\w+)\\(([^)]*)\\);");

    @Test
    void everyFunctionOfTheHeaderIsBoundAndNothingElse() {
        assertEquals(functionsOfHeader().keySet(), functionsOfBindings().keySet());
    }

    @Test
    void everyBindingHasItsTypes() {
        assertEquals(functionsOfHeader(), functionsOfBindings());
    }

    @Test
    void everyBindingHasItsSymbolInTheLibrary() {
        var library = NativeLibrary.load();
        var missing = functionsOfBindings().keySet().stream().filter(name -> library.find(name).isEmpty()).toList();
        assertEquals(List.of(), missing, "functions that " + library.path() + " does not export");
    }

    @Test
    void theArgumentFileOfJextractListsTheHeader() {
        var arguments = read("bitnet.jextractArguments").lines().filter(line -> !line.startsWith("#")).toList();
        assertEquals(functionsOfHeader().keySet(), included(arguments, "function"));
        assertEquals(probed("struct").keySet(), included(arguments, "struct"));
        assertEquals(probed("constant").keySet(), included(arguments, "constant"));
    }

    @Test
    void theProbeKnowsEveryStructAndConstantOfTheHeader() {
        assertEquals(matches("typedef struct (bn_\\w+) \\{"), probed("struct").keySet());
        var constants = new TreeSet<String>();
        Matcher enums = Pattern.compile("typedef enum \\w+ \\{(.*?)}", Pattern.DOTALL).matcher(HEADER);
        while (enums.find()) {
            Pattern.compile("BN_\\w+").matcher(enums.group(1)).results().forEach(name -> constants.add(name.group()));
        }
        assertEquals(constants, probed("constant").keySet());
    }

    @Test
    void structsAreLaidOutAsTheCompilerLaysThemOut() throws ReflectiveOperationException {
        var structs = new TreeMap<String, List<Long>>();
        var fields = new TreeMap<String, List<Long>>();
        for (String name : probed("struct").keySet()) {
            var layout = (GroupLayout) Class.forName(getClass().getPackageName() + "." + name).getMethod("layout").invoke(null);
            structs.put(name, List.of(layout.byteSize(), layout.byteAlignment()));
            for (MemoryLayout member : layout.memberLayouts()) {
                if (!(member instanceof PaddingLayout)) {
                    String field = member.name().orElseThrow();
                    long offset = layout.byteOffset(MemoryLayout.PathElement.groupElement(field));
                    fields.put(name + " " + field, List.of(offset, member.byteSize()));
                }
            }
        }
        assertEquals(probed("struct"), structs);
        assertEquals(probed("field"), fields);
    }

    @Test
    void constantsHaveTheCompilersValues() throws ReflectiveOperationException {
        var constants = new TreeMap<String, List<Long>>();
        for (Method method : publicStatic(name -> name.startsWith("BN_"))) {
            constants.put(method.getName(), List.of((long) (int) method.invoke(null)));
        }
        assertEquals(probed("constant"), constants);
    }

    @Test
    void theLibraryAnswers() {
        var version = BitNetNative.bn_version().getString(0);
        assertTrue(!version.isEmpty());
        assertEquals("scalar", BitNetNative.bn_isa_name(BitNetNative.BN_ISA_SCALAR()).getString(0));
    }

    /** Name -> "return(parameters)" in the words of {@link #kind}. */
    private static Map<String, String> functionsOfHeader() {
        var functions = new TreeMap<String, String>();
        Matcher function = FUNCTION.matcher(HEADER);
        while (function.find()) {
            String parameters = function.group(3).strip().equals("void") ? "" : Arrays.stream(function.group(3).split(","))
                    .map(parameter -> parameter.replaceFirst("\\w+\\s*$", "")).map(BindingsTest::kind)
                    .collect(Collectors.joining(", "));
            functions.put(function.group(2), kind(function.group(1)) + "(" + parameters + ")");
        }
        return functions;
    }

    private static Map<String, String> functionsOfBindings() {
        var functions = new TreeMap<String, String>();
        for (Method method : publicStatic(name -> name.endsWith("$descriptor"))) {
            try {
                var descriptor = (FunctionDescriptor) method.invoke(null);
                functions.put(method.getName().replace("$descriptor", ""),
                        descriptor.returnLayout().map(BindingsTest::kind).orElse("void") + descriptor.argumentLayouts()
                                .stream().map(BindingsTest::kind).collect(Collectors.joining(", ", "(", ")")));
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
        return functions;
    }

    /** What a C type is in a call: integers of 64 bits are alike, and so are all pointers. */
    private static String kind(String type) {
        if (type.contains("*")) {
            return "pointer";
        }
        return switch (type.strip()) {
            case "int32_t", "bn_status" -> "32 bits";
            case "int64_t", "uint64_t", "size_t" -> "64 bits";
            case "float", "double", "void" -> type.strip();
            default -> throw new AssertionError("the bindings' test does not know the type '" + type + "'");
        };
    }

    private static String kind(MemoryLayout layout) {
        return switch (layout) {
            case AddressLayout _ -> "pointer";
            case ValueLayout.OfInt _ -> "32 bits";
            case ValueLayout.OfLong _ -> "64 bits";
            case ValueLayout.OfFloat _ -> "float";
            case ValueLayout.OfDouble _ -> "double";
            default -> layout.toString();
        };
    }

    private static List<Method> publicStatic(Predicate<String> name) {
        return Stream.of(BitNetNative.class.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && Modifier.isStatic(method.getModifiers()))
                .filter(method -> name.test(method.getName())).toList();
    }

    private static Set<String> included(List<String> arguments, String what) {
        String option = "--include-" + what + " ";
        return arguments.stream().filter(line -> line.startsWith(option)).map(line -> line.substring(option.length()).strip())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> matches(String pattern) {
        return Pattern.compile(pattern).matcher(HEADER).results().map(match -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** What native/test/layout_probe.c prints of a kind: name -> numbers. A field's name is "struct field". */
    private static Map<String, List<Long>> probed(String kind) {
        var lines = new ArrayList<String>();
        try {
            var process = new ProcessBuilder(System.getProperty("bitnet.layoutProbe")).redirectErrorStream(true).start();
            process.inputReader().lines().forEach(lines::add);
            assertEquals(0, process.waitFor());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError("cannot run the layout probe, which the native module builds", e);
        }
        var found = new TreeMap<String, List<Long>>();
        for (String line : lines) {
            List<String> words = List.of(line.split(" "));
            if (words.getFirst().equals(kind)) {
                int names = kind.equals("field") ? 2 : 1;
                found.put(String.join(" ", words.subList(1, 1 + names)),
                        words.subList(1 + names, words.size()).stream().map(Long::valueOf).toList());
            }
        }
        return found;
    }

    private static String read(String property) {
        try {
            return Files.readString(Path.of(System.getProperty(property)));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String withoutComments(String c) {
        return Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL).matcher(c).replaceAll("");
    }
}
