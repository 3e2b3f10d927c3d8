package io.github.bitnet4j.model;

import io.github.bitnet4j.BitNetException;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Linux's transparent huge pages (admin-guide/mm/transhuge, madvise(2)): memory that asks for them gets pages of 2 MB when
 * it is first touched, as far as the system has some.
 */
final class HugePages {
    /** Bytes of a page, and the alignment that memory needs to have one. */
    static final long SIZE = 2L << 20;

    static final Path STATE = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    private static final Path MAPS = Path.of("/proc/self/smaps");
    private static final long SMALL_PAGE = 4096;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

    /** Looked up where there is advice to give: the C library of Windows has no such function. */
    private static final class Madvise {
        static final MethodHandle FUNCTION = Linker.nativeLinker().downcallHandle(
                Linker.nativeLinker().defaultLookup().findOrThrow("madvise"), FunctionDescriptor.of(ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    }

    private HugePages() {}

    /**
     * Nothing when the system hands out huge pages to memory that asks.
     *
     * @param state {@link #STATE}, which says "always [madvise] never", the present one in brackets
     * @throws BitNetException with a sentence that says why it does not, and what to do
     */
    static void require(Path state) {
        String found;
        try {
            found = Files.readString(state).strip();
        } catch (IOException e) {
            throw new BitNetException("this system has no transparent huge pages (no " + state + "); use --load mmap", e);
        }
        if (found.contains("[never]")) {
            throw new BitNetException("transparent huge pages are switched off: " + state + " is '" + found
                    + "'; use --load mmap, or have root write madvise into that file");
        }
    }

    /** Asks for huge pages where whole ones fit; memory that gets none is as good as ever. */
    static void ask(MemorySegment untouched) {
        advise(untouched, SIZE, MADV_HUGEPAGE);
    }

    /** Lets go of pages that this process has touched; those of a mapped file come back when they are touched, others empty. */
    static void release(MemorySegment mapped) {
        advise(mapped, SMALL_PAGE, MADV_DONTNEED);
    }

    /** Advice about the whole pages of a segment. */
    private static void advise(MemorySegment segment, long page, int advice) {
        long skipped = -segment.address() & page - 1;
        long whole = (segment.byteSize() - skipped) / page * page;
        if (!LINUX || whole <= 0) {
            return;
        }
        try {
            int ignored = (int) Madvise.FUNCTION.invokeExact(segment.asSlice(skipped), whole, advice);
        } catch (Throwable e) {
            throw new AssertionError("madvise does not throw", e);
        }
    }

    /** Bytes of a segment on huge pages: AnonHugePages of the mappings that hold it, at most its size. */
    static long resident(MemorySegment segment) {
        long huge = 0;
        boolean inside = false;
        for (String line : maps()) {
            if (line.startsWith("AnonHugePages:")) {
                huge += inside ? Long.parseLong(line.replaceAll("\\D", "")) * 1024 : 0;
            } else if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                long from = Long.parseUnsignedLong(line, 0, line.indexOf('-'), 16);
                long to = Long.parseUnsignedLong(line, line.indexOf('-') + 1, line.indexOf(' '), 16);
                inside = from < segment.address() + segment.byteSize() && segment.address() < to;
            }
        }
        return Math.min(huge, segment.byteSize());
    }

    private static List<String> maps() {
        try {
            return Files.readAllLines(MAPS);
        } catch (IOException e) {
            return List.of();
        }
    }
}
