/* Integer sums of a ternary product as its floats: one conversion and one product each, the same bits on every ISA. */
#include "kernels.h"
#include "ops/lanes.h"

void BN_LANES_NAME(epilogue)(const int32_t *restrict dot, size_t rows, int32_t sum, float factor, int32_t accumulate,
                             float *restrict y)
{
    if (accumulate) {
        for (size_t i = 0; i < rows; i++) y[i] += (float)(dot[i] - sum) * factor;
    } else {
        for (size_t i = 0; i < rows; i++) y[i] = (float)(dot[i] - sum) * factor;
    }
}
