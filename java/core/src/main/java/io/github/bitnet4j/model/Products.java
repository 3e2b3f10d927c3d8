package io.github.bitnet4j.model;

import io.github.bitnet4j.bindings.bn_product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An array of {@code bn_product}: matrices that share their input and one parallel region. */
record Products(MemorySegment segment, int count) {

    /**
     * A product of a matrix into rows {@code stride} floats apart, stored or added.
     *
     * @param gate outputs whose value here is not positive need not be computed; the null address for all
     */
    record Product(MemorySegment matrix, MemorySegment y, long stride, boolean accumulate, MemorySegment gate) {
        Product(MemorySegment matrix, MemorySegment y, long stride, boolean accumulate) {
            this(matrix, y, stride, accumulate, MemorySegment.NULL);
        }
    }

    static Products of(Arena arena, Product... products) {
        MemorySegment segment = bn_product.allocateArray(products.length, arena);
        for (int i = 0; i < products.length; i++) {
            MemorySegment slot = bn_product.asSlice(segment, i);
            bn_product.weight(slot, products[i].matrix());
            bn_product.y(slot, products[i].y());
            bn_product.y_stride(slot, products[i].stride());
            bn_product.accumulate(slot, products[i].accumulate() ? 1 : 0);
            bn_product.gate(slot, products[i].gate());
        }
        return new Products(segment, products.length);
    }
}
