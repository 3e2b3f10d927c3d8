package io.github.bitnet4j.bindings;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.Optional;

/**
 * libbitnet, loaded once in a process, at the first use of {@link BitNetNative} or of this class. In this order:
 * <ol>
 *   <li>the file that the system property {@value #PROPERTY} names, and no other when it is set;
 *   <li>the library bundled for this system, {@code META-INF/native/<os>-<arch>/}, copied to
 *       {@code <directory>/<sha256>/} of the first directory that accepts it: {@code $XDG_CACHE_HOME/bitnet4j},
 *       {@code ~/.cache/bitnet4j}, {@code $XDG_RUNTIME_DIR/bitnet4j}, {@code <java.io.tmpdir>/bitnet4j-<user>},
 *       {@code /var/tmp/bitnet4j-<user>}.
 * </ol>
 * A library that is missing is no reason for a class to be unusable: every call of a function then throws the same
 * {@link NativeLibraryException}.
 */
public final class NativeLibrary {
    /** System property: the path of the library to load instead of the bundled one. */
    public static final String PROPERTY = "bitnet.library";

    private final Path path;
    private final SymbolLookup symbols;

    NativeLibrary(Path path, SymbolLookup symbols) {
        this.path = path;
        this.symbols = symbols;
    }

    /** The outcome of the one attempt of this process; its initialiser never throws. */
    private static final class Attempt {
        static final NativeLibrary LIBRARY;
        static final NativeLibraryException FAILURE;

        static {
            NativeLibrary library = null;
            NativeLibraryException failure = null;
            try {
                library = NativeLibraryLoader.ofSystem().load();
            } catch (NativeLibraryException e) {
                failure = e;
            } catch (RuntimeException e) { // such as native access denied by the JVM's options
                failure = new NativeLibraryException("cannot load libbitnet: " + e.getMessage(), e);
            }
            LIBRARY = library;
            FAILURE = failure;
        }
    }

    /**
     * Loads the library, or gives the one that is loaded.
     *
     * @throws NativeLibraryException if it cannot be loaded
     */
    public static NativeLibrary load() {
        if (Attempt.FAILURE != null) {
            throw new NativeLibraryException(Attempt.FAILURE.getMessage(), Attempt.FAILURE);
        }
        return Attempt.LIBRARY;
    }

    /** The file that was loaded. */
    public Path path() {
        return path;
    }

    /** The address of a function, if the library has it. */
    Optional<MemorySegment> find(String name) {
        return symbols.find(name);
    }

    /**
     * A handle that calls a function of the library. It never throws itself; if the library or the function is
     * missing, it gives a handle that throws when it is called.
     */
    static MethodHandle downcall(String name, FunctionDescriptor descriptor) {
        try {
            NativeLibrary library = load();
            MemorySegment address = library.find(name).orElseThrow(() -> new NativeLibraryException(
                    library.path + " has no function " + name + ": it is libbitnet of another version"));
            return Linker.nativeLinker().downcallHandle(address, descriptor);
        } catch (NativeLibraryException e) {
            return throwing(e, descriptor);
        }
    }

    private static MethodHandle throwing(NativeLibraryException failure, FunctionDescriptor descriptor) {
        var type = descriptor.toMethodType();
        MethodHandle thrower = MethodHandles.throwException(type.returnType(), NativeLibraryException.class);
        return MethodHandles.dropArguments(thrower.bindTo(failure), 0, type.parameterList());
    }
}
