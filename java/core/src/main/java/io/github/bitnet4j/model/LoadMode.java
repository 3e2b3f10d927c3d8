package io.github.bitnet4j.model;

/** Where the weights lie that a token reads. Both give the same results. */
public enum LoadMode {
    /**
     * In the mapped file: no copy, no wait, and memory that all processes share. Its pages of 4 KB cost a walk through the
     * page tables every 64 cache lines, which one core alone does not hide.
     */
    MMAP,
    /**
     * In a copy on transparent huge pages of 2 MB, made when the model is opened: reading is faster, opening takes about as
     * long as reading the file, and the memory belongs to this process alone. So do keys and values, for the whole context at
     * once.
     */
    HUGEPAGES
}
