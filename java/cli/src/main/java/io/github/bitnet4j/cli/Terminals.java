package io.github.bitnet4j.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Whether a file descriptor is a terminal: {@link System#console} cannot tell one of them from the others. */
final class Terminals {
    private static final MethodHandle ISATTY = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().find("isatty").orElseGet(
                    () -> Linker.nativeLinker().defaultLookup().findOrThrow("_isatty")),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private Terminals() {}

    static boolean isTerminal(int descriptor) {
        try {
            return (int) ISATTY.invokeExact(descriptor) != 0;
        } catch (Throwable e) {
            throw new AssertionError("isatty does not throw", e);
        }
    }
}
