package io.github.bitnet4j.cli;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where file descriptors lead: {@link System#console} cannot tell one of them from the others. */
final class Terminals {
    private static final MethodHandle ISATTY = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().find("isatty").orElseGet(
                    () -> Linker.nativeLinker().defaultLookup().findOrThrow("_isatty")),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private Terminals() {}

    /** Whether what is written to two file descriptors ends up in one place, as after {@code 2>&1}; false where nobody can tell. */
    static boolean isSamePlace(int one, int other) {
        Path descriptors = Path.of("/proc/self/fd");
        try {
            return Files.readSymbolicLink(descriptors.resolve(String.valueOf(one)))
                    .equals(Files.readSymbolicLink(descriptors.resolve(String.valueOf(other))));
        } catch (IOException e) {
            return false;
        }
    }

    static boolean isTerminal(int descriptor) {
        try {
            return (int) ISATTY.invokeExact(descriptor) != 0;
        } catch (Throwable e) {
            throw new AssertionError("isatty does not throw", e);
        }
    }
}
