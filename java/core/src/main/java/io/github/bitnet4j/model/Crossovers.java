package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.BitNetNative;
import io.github.bitnet4j.bindings.bn_crossovers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Numbers of rows of activations from which on ternary weights are multiplied in another way. Results are the same on either
 * side; where each way begins to win depends on the machine, and {@code bitnet tune} finds it. Each is 2 or more,
 * {@link #NEVER} at most.
 *
 * @param unpack       weights of optimised files are unpacked, instead of going row after row through the kernel of one row
 * @param unpackTables TL1 and TL2 are unpacked, instead of looked up; {@link #MOST_LOOK_UPS} + 1 at most
 * @param pack         weights and activations of any type are packed for a kernel of many rows
 */
public record Crossovers(long unpack, long unpackTables, long pack) {
    public static final long NEVER = Long.MAX_VALUE;
    public static final long MOST_LOOK_UPS = BitNetNative.BN_MOST_LOOK_UPS();

    public Crossovers {
        require(unpack, "unpack", NEVER);
        require(unpackTables, "unpackTables", MOST_LOOK_UPS + 1);
        require(pack, "pack", NEVER);
    }

    private static void require(long rows, String name, long most) {
        if (rows < 2 || rows > most) {
            throw new IllegalArgumentException(name + " is " + rows + "; it must be 2 to " + most);
        }
    }

    public Crossovers withUnpack(long rows) {
        return new Crossovers(rows, unpackTables, pack);
    }

    public Crossovers withUnpackTables(long rows) {
        return new Crossovers(unpack, rows, pack);
    }

    public Crossovers withPack(long rows) {
        return new Crossovers(unpack, unpackTables, rows);
    }

    static Crossovers of(MemorySegment crossovers) {
        return new Crossovers(bn_crossovers.unpack(crossovers), bn_crossovers.unpack_tables(crossovers),
                bn_crossovers.pack(crossovers));
    }

    MemorySegment in(Arena arena) {
        MemorySegment crossovers = bn_crossovers.allocate(arena);
        bn_crossovers.unpack(crossovers, unpack);
        bn_crossovers.unpack_tables(crossovers, unpackTables);
        bn_crossovers.pack(crossovers, pack);
        return crossovers;
    }
}
