package io.github.bitnet4j.chat;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.objects.SafeString;
import com.hubspot.jinjava.util.ForLoop;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import jinjava.javax.el.PropertyNotWritableException;

/**
 * What {@code a.b}, {@code a[b]} and {@code a.b(...)} mean in a template. Strings, lists, dictionaries and {@code loop} have the members
 * that Python and Jinja give them; nothing has any other. There is no reflection here, so no template reaches a Java object.
 */
final class PythonMembers extends ELResolver {

    private static final Pattern INDEX = Pattern.compile("-?\\d{1,9}");

    @Override
    public Object getValue(ELContext context, Object base, Object property) {
        context.setPropertyResolved(true);
        return switch (base) {
            case Map<?, ?> map -> map.get(String.valueOf(property));
            case List<?> list -> at(list, property);
            case ForLoop loop -> ofLoop(loop, String.valueOf(property));
            case CharSequence text -> characterOf(text.toString(), property);
            case SafeString text -> characterOf(text.toString(), property);
            default -> null;
        };
    }

    private static Object at(List<?> list, Object property) {
        int index = index(property, list.size());
        return index >= 0 ? list.get(index) : null;
    }

    private static Object characterOf(String text, Object property) {
        int index = index(property, text.length());
        return index >= 0 ? text.substring(index, index + 1) : null;
    }

    /** @return the index that a property names, from the end if it is negative; or -1 if it names none */
    private static int index(Object property, int size) {
        if (!INDEX.matcher(String.valueOf(property)).matches()) {
            return -1;
        }
        int index = Integer.parseInt(String.valueOf(property));
        index = index < 0 ? index + size : index;
        return index < size ? Math.max(index, -1) : -1;
    }

    private static Object ofLoop(ForLoop loop, String property) {
        return switch (property) {
            case "index" -> loop.getIndex();
            case "index0" -> loop.getIndex0();
            case "revindex" -> loop.getRevindex();
            case "revindex0" -> loop.getRevindex0();
            case "first" -> loop.isFirst();
            case "last" -> loop.isLast();
            case "length" -> loop.getLength();
            case "depth" -> loop.getDepth();
            case "depth0" -> loop.getDepth0();
            default -> throw new ChatTemplateException("it uses loop." + property + ", which is not known here");
        };
    }

    @Override
    public Object invoke(ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
        context.setPropertyResolved(true);
        String name = String.valueOf(method);
        Object[] given = arguments == null ? new Object[0] : arguments;
        return switch (base) {
            case Filter filter -> filter(filter, given);
            case ExpTest test -> test(test, name, given);
            case CharSequence text -> PythonStrings.call(text.toString(), name, given);
            case SafeString text -> PythonStrings.call(text.toString(), name, given);
            case Map<?, ?> map -> ofMap(map, name, given);
            case List<?> list -> ofList(list, name, given);
            default -> throw new ChatTemplateException("it calls '" + name + "' on something that has no such method");
        };
    }

    @SuppressWarnings("unchecked")
    private static Object filter(Filter filter, Object[] given) {
        return filter.filter(given[0], (JinjavaInterpreter) given[1], (Object[]) given[2], (Map<String, Object>) given[3]);
    }

    private static boolean test(ExpTest test, String name, Object[] given) {
        Object[] rest = Arrays.copyOfRange(given, 2, given.length);
        if (rest.length == 1 && rest[0] instanceof Object[] several) {
            rest = several;
        }
        JinjavaInterpreter interpreter = (JinjavaInterpreter) given[1];
        return name.equals("evaluateNegated") ? test.evaluateNegated(given[0], interpreter, rest) : test.evaluate(given[0], interpreter, rest);
    }

    private static Object ofMap(Map<?, ?> map, String name, Object[] given) {
        return switch (name) {
            case "get" -> {
                Object value = given.length == 0 ? null : map.get(String.valueOf(given[0]));
                yield value == null && given.length > 1 ? given[1] : value;
            }
            case "keys" -> new ArrayList<>(map.keySet());
            case "values" -> new ArrayList<>(map.values());
            case "items" -> items(map);
            default -> throw new ChatTemplateException("it calls the dictionary method '" + name + "'; known: get, keys, values, items");
        };
    }

    /** @return a list of pairs */
    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(Arrays.asList(key, value)));
        return items;
    }

    @SuppressWarnings("unchecked")
    private static Object ofList(List<?> list, String name, Object[] given) {
        if (given.length != 1 || !name.equals("append") && !name.equals("count") && !name.equals("index")) {
            throw new ChatTemplateException("it calls the list method '" + name + "'; known: append, count, index, each of one argument");
        }
        return switch (name) {
            case "append" -> {
                ((List<Object>) list).add(given[0]);
                Sandbox.checkSize(list);
                yield null;
            }
            case "count" -> list.stream().filter(item -> item != null && item.equals(given[0])).count();
            default -> list.indexOf(given[0]);
        };
    }

    @Override
    public Class<?> getType(ELContext context, Object base, Object property) {
        return Object.class;
    }

    @Override
    public void setValue(ELContext context, Object base, Object property, Object value) {
        throw new PropertyNotWritableException("a template cannot set '" + property + "'");
    }

    @Override
    public boolean isReadOnly(ELContext context, Object base, Object property) {
        return true;
    }

    @Override
    public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
        return Collections.emptyIterator();
    }

    @Override
    public Class<?> getCommonPropertyType(ELContext context, Object base) {
        return Object.class;
    }
}
