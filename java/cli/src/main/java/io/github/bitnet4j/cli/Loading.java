package io.github.bitnet4j.cli;

import io.github.bitnet4j.model.LoadMode;
import io.github.bitnet4j.model.WeightMemory;
import java.util.Locale;

/**
 * Where the weights of a model lie, for reports.
 *
 * @param mode          as {@code --load} names it
 * @param copiedBytes   of weights that were copied
 * @param hugeBytes     of the copy that the system put on huge pages
 * @param repackedBytes of ternary weights that became I2_S in memory, as no kernel multiplies them as the file holds them
 */
record Loading(String mode, long copiedBytes, long hugeBytes, long repackedBytes) {

    static Loading of(WeightMemory memory) {
        return new Loading(memory.mode().name().toLowerCase(Locale.ROOT),
                memory.mode() == LoadMode.MMAP ? 0 : memory.bytes().byteSize(), memory.hugeBytes(), memory.repackedBytes());
    }

    String text() {
        return mode + (copiedBytes == 0 ? "" : ", " + Units.bytes(copiedBytes) + " copied, " + Units.bytes(hugeBytes)
                + " of them on huge pages") + repackedText();
    }

    /** Empty where the kernels read what the file holds. */
    String repackedText() {
        return repackedBytes == 0 ? "" : ", " + Units.bytes(repackedBytes) + " of linears repacked as I2_S";
    }
}
