/*
 * Sums over D31_R16 weights. A register of weights is a quarter of a line, columns of 4 rows; a quad's codes meet its four
 * activations, broadcast, and the lanes of the sums are the rows.
 */
#include "isa/neon/products.h"

#include "formats/d31r16.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    AHEAD = 4096, /* bytes between what is read and what is asked for */
    QUARTERS = 4,
    ROWS = 4, /* of a quarter of a line */
    BYTES = 16
};

/* Quarter `quarter` of a run: its codes, a register for each quad. */
BN_INLINE void codes_of(const uint8_t *restrict run, size_t quarter, int8x16_t *restrict codes)
{
    const uint8x16_t three = vdupq_n_u8(7), third = vdupq_n_u8(4);
    uint8x16_t line[3];
#pragma GCC unroll 3
    for (size_t i = 0; i < 3; i++) {
        line[i] = vld1q_u8(run + i * BN_D31R16_LINE + BYTES * quarter);
        codes[2 * i] = vreinterpretq_s8_u8(vandq_u8(line[i], three));
        codes[2 * i + 1] = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(line[i], 3), three));
    }
    codes[6] = vreinterpretq_s8_u8(vorrq_u8(vshrq_n_u8(line[0], 6), vandq_u8(vshrq_n_u8(line[2], 5), third)));
    codes[7] = vreinterpretq_s8_u8(vorrq_u8(vshrq_n_u8(line[1], 6), vandq_u8(vshrq_n_u8(line[2], 4), third)));
}

/* A group by n rows of q, n a constant of the instance. */
BN_INLINE void add_group(const uint8_t *restrict run, size_t cols, const int8_t *restrict q, size_t q_stride, size_t n,
                         int32_t *restrict y, size_t y_stride)
{
    int32x4_t sum[BN_COARSE_N][QUARTERS];
#pragma GCC unroll 4
    for (size_t t = 0; t < n; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) sum[t][p] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += BN_D31R16_COLS, run += BN_D31R16_RUN) {
#pragma GCC unroll 3
        for (size_t i = 0; i < 3; i++) __builtin_prefetch(run + i * BN_D31R16_LINE + AHEAD);
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) {
            int8x16_t codes[BN_D31R16_QUADS];
            codes_of(run, p, codes);
#pragma GCC unroll 4
            for (size_t t = 0; t < n; t++) {
                const int8_t *x = q + t * q_stride + k;
#pragma GCC unroll 8
                for (size_t i = 0; i < BN_D31R16_QUADS; i++) sum[t][p] = bn_add_quads(sum[t][p], codes[i], bn_four(x + 4 * i));
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
        add_group(w + g * bn_d31r16_group_bytes(cols) + BN_D31R16_HEADER, cols, q, q_stride, n, y + g * BN_D31R16_ROWS, y_stride);
}

void BN_LANES_NAME(coarse_d31r16)(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
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

/* Eight bits become eight bytes 0 or -1: each byte of the mask holds all eight and keeps its own. */
void BN_LANES_NAME(bit_sum)(const uint8_t *restrict bits, size_t cols, const int8_t *restrict q, int32_t *restrict sum)
{
    static const uint8_t own[] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(own);
    int32x4_t total[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t k = 0; k < cols; k += 32) {
#pragma GCC unroll 2
        for (size_t i = 0; i < 2; i++) {
            const uint8_t *at = bits + k / 8 + 2 * i;
            const uint8x16_t mask = vtstq_u8(vcombine_u8(vdup_n_u8(at[0]), vdup_n_u8(at[1])), bit);
            const int8x16_t x = vandq_s8(vld1q_s8(q + k + BYTES * i), vreinterpretq_s8_u8(mask));
            total[i] = bn_add_products(total[i], vdupq_n_s8(1), x);
        }
    }
    *sum = vaddvq_s32(vaddq_s32(total[0], total[1]));
}
