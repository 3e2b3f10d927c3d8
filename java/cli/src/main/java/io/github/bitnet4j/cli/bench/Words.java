package io.github.bitnet4j.cli.bench;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** Short names for things that have many properties, most of them the same. */
final class Words {
    private Words() {}

    /** For each list, all as long, the words in which the lists differ, separated by commas. */
    static Map<List<String>, String> telling(Collection<List<String>> all) {
        Map<List<String>, String> names = new LinkedHashMap<>();
        for (List<String> words : all) {
            StringJoiner name = new StringJoiner(", ");
            for (int i = 0; i < words.size(); i++) {
                Set<String> values = new HashSet<>();
                for (List<String> other : all) {
                    values.add(other.get(i));
                }
                if (values.size() > 1) {
                    name.add(words.get(i));
                }
            }
            names.put(words, name.toString());
        }
        return names;
    }
}
