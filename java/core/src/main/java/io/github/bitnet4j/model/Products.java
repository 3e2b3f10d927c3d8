package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An array of {@code bn_product}: matrices that share their input and one parallel region. */
record Products(MemorySegment segment, int count) {

    /** A product of a matrix into rows {@code stride} floats apart, stored or added. */
    record Product(MemorySegment matrix, MemorySegment y, long stride, boolean accumulate) {}

    static Products of(Arena arena, Product... products) {
        MemorySegment segment = bn_product.allocateArray(products.length, arena);
        for (int i = 0; i < products.length; i++) {
            MemorySegment slot = bn_product.asSlice(segment, i);
            bn_product.weight(slot, products[i].matrix());
            bn_product.y(slot, products[i].y());
            bn_product.y_stride(slot, products[i].stride());
            bn_product.accumulate(slot, products[i].accumulate() ? 1 : 0);
        }
        return new Products(segment, products.length);
    }
}
