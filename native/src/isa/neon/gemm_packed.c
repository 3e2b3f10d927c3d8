/*
 * Packed products: 16 weight rows by 4 activation rows. A register of weights is a quarter of a line, 4 rows by 16
 * columns (i2r16.c); one of activations holds the same 4 columns of 4 rows, each of which meets all weights in turn:
 *
 *     weights      dword        0       1       2       3        row
 *     activations  dword        0       1       2       3        token, broadcast
 *
 * and the lanes of the sums are weight rows.
 */
#include "isa/neon/products.h"

#include "formats/packed.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    QUARTERS = 4,
    ROWS = 4, /* of a quarter of a line */
    BYTES = 16,
    TOKENS = 4, /* of a tile, half a strip */
    COLS = BN_PACKED_COLS
};

BN_INLINE int8x16_t broadcast(int32x4_t tokens, size_t t)
{
    switch (t) {
    case 0:
        return vreinterpretq_s8_s32(vdupq_laneq_s32(tokens, 0));
    case 1:
        return vreinterpretq_s8_s32(vdupq_laneq_s32(tokens, 1));
    case 2:
        return vreinterpretq_s8_s32(vdupq_laneq_s32(tokens, 2));
    default:
        return vreinterpretq_s8_s32(vdupq_laneq_s32(tokens, 3));
    }
}

static void tile(const uint8_t *restrict lines, const int8_t *restrict q, size_t cols, int32_t *restrict y, size_t y_stride)
{
    int32x4_t sum[TOKENS][QUARTERS];
#pragma GCC unroll 4
    for (size_t t = 0; t < TOKENS; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) sum[t][p] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += COLS, lines += BN_PACKED_LINES * BN_PACKED_LINE, q += COLS * BN_PACKED_STRIP) {
        uint8x16_t packed[QUARTERS];
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) packed[p] = vld1q_u8(lines + BYTES * p);
#pragma GCC unroll 4
        for (int field = 0; field < 4; field++) {
            const int32x4_t tokens = vreinterpretq_s32_s8(vld1q_s8(q + 4 * BN_PACKED_STRIP * (size_t)(3 - field)));
#pragma GCC unroll 4
            for (size_t p = 0; p < QUARTERS; p++) {
                const int8x16_t codes = bn_field(packed[p], field);
#pragma GCC unroll 4
                for (size_t t = 0; t < TOKENS; t++) sum[t][p] = bn_add_quads(sum[t][p], codes, broadcast(tokens, t));
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < TOKENS; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) vst1q_s32(y + t * y_stride + ROWS * p, sum[t][p]);
}

void BN_LANES_NAME(gemm_packed)(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                                size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    (void)scratch;
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP)
        for (size_t t = 0; t < n; t += TOKENS)
            tile(panel + bn_packed_lines(rows, cols, r, 0), block + bn_packed_token(cols, t, 0), cols,
                 y + t * y_stride + r, y_stride);
}
