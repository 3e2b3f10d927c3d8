/*
 * The I2_R16 matrix-vector product. A register of weights is a quarter of a line, 4 rows by 16 columns in 16 bytes:
 *
 *     dword        0       1       2       3
 *     bits 1 0     row 0   row 1   row 2   row 3      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     bits 3 2                                         columns  4 ..  7, meet q[ 4 ..  7]
 *     bits 5 4                                         columns  8 .. 11, meet q[ 8 .. 11]
 *     bits 7 6                                         columns 12 .. 15, meet q[12 .. 15]
 *
 * and the lanes of the sums are the rows.
 */
#include "isa/neon/products.h"

#include "formats/i2r16.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    AHEAD = 4096, /* bytes between what is read and what is asked for */
    QUARTERS = 4,
    ROWS = 4, /* of a quarter of a line */
    BYTES = 16,
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

BN_INLINE void panel(const uint8_t *restrict w, size_t lines, const int8_t *restrict q, int32_t *restrict y)
{
    int32x4_t sum[QUARTERS];
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) sum[p] = vdupq_n_s32(0);
    for (size_t i = 0; i < lines; i++) {
        __builtin_prefetch(w + LINE * i + AHEAD);
        uint8x16_t packed[QUARTERS];
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) packed[p] = vld1q_u8(w + LINE * i + BYTES * p);
#pragma GCC unroll 4
        for (int field = 0; field < 4; field++) {
            const int8x16_t x = bn_four(q + COLS * i + 4 * (size_t)(3 - field));
#pragma GCC unroll 4
            for (size_t p = 0; p < QUARTERS; p++) sum[p] = bn_add_quads(sum[p], bn_field(packed[p], field), x);
        }
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) vst1q_s32(y + ROWS * p, sum[p]);
}

void BN_LANES_NAME(gemv_i2r16)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        panel(w, cols / COLS, q, y + i);
        w += bn_i2r16_panel_bytes(cols);
    }
}
