/* Integer sums of a ternary product as its floats: one conversion and one product each, the same bits on every ISA. */
#include "kernels.h"
#include "ops/lanes.h"

void BN_LANES_NAME(epilogue)(const int32_t *restrict dot, size_t rows, int32_t sum, float factor, bn_outputs outputs,
                             float *restrict y)
{
    if (outputs == BN_OUTPUTS_ADDED) {
        for (size_t i = 0; i < rows; i++) y[i] += (float)(dot[i] - sum) * factor;
        return;
    }
    size_t i = 0;
    if (outputs == BN_OUTPUTS_STREAMED && (uintptr_t)y % sizeof(bn_lanes) == 0) {
        for (; i + BN_LANES <= rows; i += BN_LANES) {
            float some[BN_LANES];
            for (size_t j = 0; j < BN_LANES; j++) some[j] = (float)(dot[i + j] - sum) * factor;
            bn_lanes_stream(y + i, bn_lanes_load(some));
        }
    }
    for (; i < rows; i++) y[i] = (float)(dot[i] - sum) * factor;
}
