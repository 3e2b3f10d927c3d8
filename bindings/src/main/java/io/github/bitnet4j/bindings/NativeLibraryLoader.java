package io.github.bitnet4j.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Finds libbitnet for {@link NativeLibrary}.
 *
 * @param override the file to load instead of the bundled one
 * @param platform {@code <os>-<arch>}, the bundled library's folder
 * @param directories where the bundled library may be copied to, best first
 * @param resources reads the bundled files
 */
record NativeLibraryLoader(Optional<Path> override, String platform, List<Path> directories, Resources resources) {

    /** Reads {@code META-INF/native/<name>}: empty when there is no such file. */
    interface Resources {
        Optional<byte[]> read(String name) throws IOException;
    }

    private static final Set<PosixFilePermission> OTHERS_MAY_WRITE =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    static NativeLibraryLoader ofSystem() {
        return new NativeLibraryLoader(
                Optional.ofNullable(System.getProperty(NativeLibrary.PROPERTY)).map(Path::of),
                platform(System.getProperty("os.name"), System.getProperty("os.arch")),
                directoriesOfSystem(),
                NativeLibraryLoader::readBundled);
    }

    NativeLibrary load() {
        return override.isPresent() ? loadOverride(override.get()) : loadBundled();
    }

    private static NativeLibrary loadOverride(Path file) {
        String setting = "-D" + NativeLibrary.PROPERTY + "=" + file;
        if (!Files.isRegularFile(file)) {
            throw new NativeLibraryException(setting + ": there is no such file");
        }
        try {
            return open(file);
        } catch (IOException e) {
            throw new NativeLibraryException(setting + ": " + e.getMessage(), e);
        }
    }

    private NativeLibrary loadBundled() {
        String name = platform + "/" + libraryName(platform);
        byte[] library = bundled(name);
        String hash = new String(bundled(name + ".sha256"), StandardCharsets.US_ASCII).strip();

        var failures = new ArrayList<String>();
        for (Path directory : directories) {
            Path file = directory.resolve(hash).resolve(libraryName(platform));
            try {
                copyTo(file, library);
                return open(file);
            } catch (IOException e) {
                failures.add(file + ": " + describe(e));
            }
        }
        throw new NativeLibraryException("cannot load the bundled libbitnet for " + platform + "; tried "
                + String.join("; ", failures) + ". Let XDG_CACHE_HOME name a directory that is writable and not mounted"
                + " noexec, or name a library with -D" + NativeLibrary.PROPERTY + "=FILE");
    }

    private byte[] bundled(String name) {
        try {
            return resources.read(name).orElseThrow(() -> new NativeLibraryException(
                    "this build of bitnet4j has no libbitnet for " + platform + " (META-INF/native/" + name
                            + "): build it from source on this system, or name a library with -D"
                            + NativeLibrary.PROPERTY + "=FILE"));
        } catch (IOException e) {
            throw new NativeLibraryException("cannot read the bundled META-INF/native/" + name + ": " + e, e);
        }
    }

    /**
     * Makes {@code file} hold exactly {@code content}, whatever other processes do at the same time: what is there is
     * compared with the bundled bytes, and anything else is replaced in one atomic step. It stays there for later ones.
     */
    private static void copyTo(Path file, byte[] content) throws IOException {
        Path directory = file.getParent();
        createPrivate(directory.getParent());
        createPrivate(directory);
        if (holds(file, content)) {
            return;
        }
        Path temporary = Files.createTempFile(directory, "libbitnet", ".tmp");
        try {
            Files.write(temporary, content);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AccessDeniedException e) { // Windows replaces no library that another process has just copied and loaded
            if (!holds(file, content)) {
                throw e;
            }
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static boolean holds(Path file, byte[] content) throws IOException {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) == content.length
                && Arrays.equals(Files.readAllBytes(file), content);
    }

    /**
     * Creates a directory that only its owner may write to. One that exists must be of that kind, because whoever can
     * write to it chooses the code that this process runs.
     */
    private static void createPrivate(Path directory) throws IOException {
        boolean posix = directory.getFileSystem().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] attributes = posix
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
                : new FileAttribute<?>[0];
        if (directory.getParent() != null) {
            Files.createDirectories(directory.getParent(), attributes);
        }
        try {
            Files.createDirectory(directory, attributes);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw new IOException("is not a directory", e);
            }
            if (posix && !isPrivate(directory)) {
                throw new IOException("another user can write to " + directory, e);
            }
        }
    }

    private static boolean isPrivate(Path directory) throws IOException {
        var permissions = Files.getPosixFilePermissions(directory);
        return permissions.stream().noneMatch(OTHERS_MAY_WRITE::contains)
                && Files.getOwner(directory).equals(currentUser(directory));
    }

    private static UserPrincipal currentUser(Path anyPath) throws IOException {
        // The owner of /proc/self is this process, also where its user id has no name.
        Path self = Path.of("/proc/self");
        return Files.exists(self)
                ? Files.getOwner(self)
                : anyPath.getFileSystem().getUserPrincipalLookupService()
                        .lookupPrincipalByName(System.getProperty("user.name"));
    }

    /** Opens a library for the life of the process; the exception carries the dynamic linker's reason. */
    private static NativeLibrary open(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        try {
            return new NativeLibrary(absolute, SymbolLookup.libraryLookup(absolute, Arena.global()));
        } catch (IllegalArgumentException e) {
            throw new IOException(dlopenReason(absolute).orElse(e.getMessage()), e);
        }
    }

    /** What dlopen says against a file: SymbolLookup keeps it for itself, so it is asked again. */
    private static Optional<String> dlopenReason(Path file) {
        Linker linker = Linker.nativeLinker();
        var dlopen = linker.defaultLookup().find("dlopen").map(address -> linker.downcallHandle(address,
                FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT)));
        var dlerror = linker.defaultLookup().find("dlerror").map(address -> linker.downcallHandle(address,
                FunctionDescriptor.of(ValueLayout.ADDRESS)));
        if (dlopen.isEmpty() || dlerror.isEmpty()) {
            return Optional.empty();
        }
        int now = 2; // RTLD_NOW, the same on Linux, macOS and the BSDs
        try (Arena arena = Arena.ofConfined()) {
            var handle = (MemorySegment) dlopen.get().invokeExact(arena.allocateFrom(file.toString()), now);
            var message = (MemorySegment) dlerror.get().invokeExact();
            return handle.equals(MemorySegment.NULL) && !message.equals(MemorySegment.NULL)
                    ? Optional.of(message.reinterpret(Long.MAX_VALUE).getString(0))
                    : Optional.empty();
        } catch (Throwable e) {
            throw new AssertionError("neither dlopen nor dlerror throws", e);
        }
    }

    /** {@code <os>-<arch>} as the bundled folders are named, such as linux-x86_64 and macos-aarch64. */
    static String platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String arch = osArch.toLowerCase(Locale.ROOT);
        String system = os.startsWith("mac") ? "macos" : os.startsWith("windows") ? "windows" : os.replace(' ', '-');
        String processor = switch (arch) {
            case "amd64", "x86_64", "x64" -> "x86_64";
            case "arm64", "aarch64" -> "aarch64";
            default -> arch;
        };
        return system + "-" + processor;
    }

    static String libraryName(String platform) {
        return platform.startsWith("macos-") ? "libbitnet.dylib"
                : platform.startsWith("windows-") ? "bitnet.dll" : "libbitnet.so";
    }

    private static List<Path> directoriesOfSystem() {
        var directories = new ArrayList<Path>();
        environmentDirectory("XDG_CACHE_HOME").ifPresent(directories::add);
        directories.add(Path.of(System.getProperty("user.home"), ".cache", "bitnet4j").toAbsolutePath());
        environmentDirectory("XDG_RUNTIME_DIR").ifPresent(directories::add);
        String shared = "bitnet4j-" + System.getProperty("user.name");
        directories.add(Path.of(System.getProperty("java.io.tmpdir"), shared).toAbsolutePath());
        directories.add(Path.of("/var/tmp", shared));
        directories.removeIf(directory -> !directory.isAbsolute()); // on Windows /var/tmp belongs to no drive
        return List.copyOf(directories);
    }

    private static Optional<Path> environmentDirectory(String variable) {
        // The XDG specification says to ignore paths that are not absolute.
        return Optional.ofNullable(System.getenv(variable)).filter(value -> !value.isEmpty()).map(Path::of)
                .filter(Path::isAbsolute).map(path -> path.resolve("bitnet4j"));
    }

    private static Optional<byte[]> readBundled(String name) throws IOException {
        try (InputStream stream = NativeLibrary.class.getResourceAsStream("/META-INF/native/" + name)) {
            return stream == null ? Optional.empty() : Optional.of(stream.readAllBytes());
        }
    }

    private static String describe(IOException e) {
        // The messages of most file system exceptions are only the path; their class says what happened.
        return e.getClass() == IOException.class ? e.getMessage() : e.toString();
    }
}
