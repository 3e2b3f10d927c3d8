package io.github.bitnet4j.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What to pull: {@code ORG/NAME[/FILE][@REVISION]}.
 *
 * @param repository {@code ORG/NAME}
 * @param file       one file of it; empty for the model that is in it
 * @param revision   a branch, a tag or a commit; empty for the main branch
 */
public record ModelReference(String repository, Optional<String> file, Optional<String> revision) {
    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]*";
    private static final Pattern TEXT = Pattern.compile("(" + NAME + "/" + NAME + ")(?:/([^@]+))?(?:@(.+))?");

    public ModelReference {
        file.ifPresent(name -> requireInside(name, "file"));
        revision.ifPresent(name -> requireInside(name, "revision"));
    }

    /** Reads a reference; empty if the text is none. */
    public static Optional<ModelReference> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Optional<String> file = Optional.ofNullable(matcher.group(2));
        Optional<String> revision = Optional.ofNullable(matcher.group(3));
        return Stream.of(file, revision).flatMap(Optional::stream).allMatch(ModelReference::isInside)
                ? Optional.of(new ModelReference(matcher.group(1), file, revision)) : Optional.empty();
    }

    String revisionOrMain() {
        return revision.orElse("main");
    }

    /** Names become paths below the cache, also those that a server sends. */
    static void requireInside(String name, String what) {
        if (!isInside(name)) {
            throw new HubException("'" + name + "' is no name of a " + what + ": it is empty or leads out of its folder");
        }
    }

    private static boolean isInside(String name) {
        return !name.contains("\\") && name.chars().allMatch(c -> c >= ' ')
                && Stream.of(name.split("/", -1)).noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    }

    /** As the user writes it. */
    @Override
    public String toString() {
        return repository + file.map(name -> "/" + name).orElse("") + revision.map(name -> "@" + name).orElse("");
    }
}
