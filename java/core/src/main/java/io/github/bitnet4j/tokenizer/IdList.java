package io.github.bitnet4j.tokenizer;

import java.util.Arrays;

/** Ids, or any whole numbers, that grow in number. */
final class IdList {

    private int[] ids;
    private int size;

    IdList(int room) {
        ids = new int[Math.max(8, room)];
    }

    void add(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, size + (size >> 1) + 1);
        }
        ids[size++] = id;
    }

    /** Adds the first {@code count} of {@code more}. */
    void add(int[] more, int count) {
        if (ids.length - size < count) {
            ids = Arrays.copyOf(ids, Math.max(size + count, size + (size >> 1)));
        }
        System.arraycopy(more, 0, ids, size, count);
        size += count;
    }

    int get(int i) {
        return ids[i];
    }

    int size() {
        return size;
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
