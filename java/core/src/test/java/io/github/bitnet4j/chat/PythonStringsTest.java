package io.github.bitnet4j.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expected values are what CPython 3 prints. */
class PythonStringsTest {

    private static Object call(String text, String method, Object... arguments) {
        return PythonStrings.call(text, method, arguments);
    }

    @Test
    void strip() {
        assertEquals("a b", call("\u00A0\u2003\n\u001C a b\u0085\t", "strip"));
        assertEquals("a ", call(" a ", "lstrip"));
        assertEquals(" a", call(" a ", "rstrip"));
        assertEquals("ab", call("xyabyx", "strip", "xy"));
        assertEquals("\u200Ba", call("\u200Ba", "strip"));
        assertEquals("", call("  ", "strip"));
    }

    @Test
    void split() {
        assertEquals(List.of("a", "b", "c"), call("  a b\n c ", "split"));
        assertEquals(List.of("a", "b c "), call(" a  b c ", "split", null, 1));
        assertEquals(List.of("", "a", "", "b", ""), call(",a,,b,", "split", ","));
        assertEquals(List.of("a", "b,c"), call("a,b,c", "split", ",", 1));
        assertEquals(List.of("a,b", "c"), call("a,b,c", "rsplit", ",", 1));
        assertEquals(List.of("aaa", "", ""), call("aaaaaaa", "rsplit", "aa", 2));
        assertEquals(List.of("x"), call("x", "split", "--"));
        assertThrows(ChatTemplateException.class, () -> call("x", "split", ""));
    }

    @Test
    void theRest() {
        assertEquals(true, call("abc", "startswith", "ab"));
        assertEquals(true, call("abc", "endswith", List.of("x", "bc")));
        assertEquals("a--b", call("a.b", "replace", ".", "--"));
        assertEquals("Hello World-Wide", call("hELLO wORLD-wide", "title"));
        assertEquals("Hello world", call("hELLO World", "capitalize"));
        assertEquals("", call("", "capitalize"));
        assertEquals(2, call("abcabc", "find", "c"));
        assertEquals(-1, call("abc", "find", "x"));
        assertEquals(2, call("a.b.c", "count", "."));
        assertEquals("1, 2", call(", ", "join", List.of(1, 2)));
        assertEquals("c", call("abc", "removeprefix", "ab"));
        assertEquals("abc", call("abc", "removesuffix", "ab"));
        assertThrows(ChatTemplateException.class, () -> call("abc", "replace", "a"));
        assertThrows(ChatTemplateException.class, () -> call("abc", "join", 3));
        assertThrows(ChatTemplateException.class, () -> call("abc", "hashCode"));
    }

    @Test
    void json() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("a", List.of(1, 2.5, true));
        value.put("b", null);
        value.put("c", "\"\\\n\u0001\u00E9/");
        value.put("d", Map.of());
        assertEquals("{\"a\": [1, 2.5, true], \"b\": null, \"c\": \"\\\"\\\\\\n\\u0001\u00E9/\", \"d\": {}}", PythonJson.dumps(value, 0));
        assertEquals("[\n  1,\n  [\n    null\n  ],\n  []\n]", PythonJson.dumps(List.of(1, Arrays.asList((Object) null), List.of()), 2));
    }
}
