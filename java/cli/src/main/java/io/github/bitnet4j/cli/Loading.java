package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.WeightMemory;
import java.util.Locale;

/**
 * Where the weights of a model lie, for reports.
 *
 * @param mode        as {@code --load} names it
 * @param copiedBytes of weights that were copied
 * @param hugeBytes   of the copy that the system put on huge pages
 */
record Loading(String mode, long copiedBytes, long hugeBytes) {

    static Loading of(WeightMemory memory) {
        return new Loading(memory.mode().name().toLowerCase(Locale.ROOT),
                memory.mode() == LoadMode.MMAP ? 0 : memory.bytes().byteSize(), memory.hugeBytes());
    }

    String text() {
        return copiedBytes == 0 ? mode : mode + ", " + Units.bytes(copiedBytes) + " copied, " + Units.bytes(hugeBytes)
                + " of them on huge pages";
    }
}
