/* The bound of integer products in plain C, as the compiler makes it: 64 multiply-adds a step. */
#include "kernels.h"

void bn_peak_int8_scalar(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    uint32_t total = 0;
    for (size_t s = 0; s < steps; s++) {
        __asm__ volatile("" ::: "memory"); /* every step multiplies anew */
        int32_t dot = 0;
        for (size_t k = 0; k < BN_PEAK_COLS; k++) dot += codes[k] * q[k];
        total += (uint32_t)dot;
    }
    *sum = (int32_t)total;
}
