/*
 * Sums over D4_R16 weights. A register of weights is a quarter of a line, 4 rows by 8 columns: its low nibbles meet
 * q[0 .. 3], broadcast, its high ones q[4 .. 7], and the lanes of the sums are the rows.
 */
#include "isa/neon/products.h"

#include "formats/d4r16.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    AHEAD = 4096, /* bytes between what is read and what is asked for */
    QUARTERS = 4,
    ROWS = 4, /* of a quarter of a line */
    BYTES = 16
};

/* A group by n rows of q, n a constant of the instance. */
BN_INLINE void add_group(const uint8_t *restrict line, size_t cols, const int8_t *restrict q, size_t q_stride, size_t n,
                         int32_t *restrict y, size_t y_stride)
{
    int32x4_t sum[BN_COARSE_N][QUARTERS];
#pragma GCC unroll 4
    for (size_t t = 0; t < n; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) sum[t][p] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += BN_D4R16_COLS, line += BN_D4R16_LINE) {
        __builtin_prefetch(line + AHEAD);
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) {
            const uint8x16_t packed = vld1q_u8(line + BYTES * p);
            const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
            const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
#pragma GCC unroll 4
            for (size_t t = 0; t < n; t++) {
                const int8_t *x = q + t * q_stride + k;
                sum[t][p] = bn_add_quads(bn_add_quads(sum[t][p], low, bn_four(x)), high, bn_four(x + 4));
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < n; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) vst1q_s32(y + t * y_stride + ROWS * p, sum[t][p]);
}

BN_INLINE void all_groups(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                          size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t g = 0; g < groups; g++)
        add_group(w + g * bn_d4r16_group_bytes(cols) + BN_D4R16_HEADER, cols, q, q_stride, n, y + g * BN_D4R16_ROWS, y_stride);
}

void BN_LANES_NAME(coarse_d4r16)(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                                 size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    switch (n) {
    case 1:
        all_groups(w, cols, groups, q, q_stride, 1, y, y_stride);
        break;
    case 2:
        all_groups(w, cols, groups, q, q_stride, 2, y, y_stride);
        break;
    case 3:
        all_groups(w, cols, groups, q, q_stride, 3, y, y_stride);
        break;
    default:
        all_groups(w, cols, groups, q, q_stride, 4, y, y_stride);
        break;
    }
}
