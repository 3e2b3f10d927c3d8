/*
 * The B3_R16 matrix-vector product. A register of weights is a quarter of a line, 4 rows by 20 columns in 16 bytes; the
 * digits are separated as they stand, times their powers of three, which sums are divided by once at the end:
 *
 *     dword        0       1       2       3
 *     d0           row 0   row 1   row 2   row 3      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     d1                                               columns  4 ..  7, meet q[ 4 ..  7]
 *     9 d2                                             columns  8 .. 11, meet q[ 8 .. 11]
 *     27 d3                                            columns 12 .. 15, meet q[12 .. 15]
 *     d4           of 81 and 162, bits 7 6             columns 16 .. 19, meet q[16 .. 19]
 *
 * and the lanes of the sums are the rows.
 */
#include "isa/neon/products.h"

#include "formats/b3r16.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    AHEAD = 4096, /* bytes between the weights that are read and those that are asked for */
    QUARTERS = 4,
    ROWS = 4, /* of a quarter of a line */
    BYTES = 16,
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

/* 1, 9 and 27 times too large, modulo 2^32. */
typedef struct sums {
    int32x4_t ones, nines, twenty_sevens;
} sums;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
BN_INLINE uint8x16_t rest(uint8x16_t v, uint8_t m)
{
    const uint8x16_t once = vsubq_u8(v, vdupq_n_u8(m)), twice = vsubq_u8(v, vdupq_n_u8((uint8_t)(2 * m)));
    return vminq_u8(vminq_u8(v, once), twice);
}

BN_INLINE int32x4_t add(int32x4_t sum, uint8x16_t digits, const int8_t *restrict q)
{
    return bn_add_quads(sum, vreinterpretq_s8_u8(digits), bn_four(q));
}

BN_INLINE sums add_quarter(sums sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    static const uint8_t low[BYTES] = {0, 1, 2, 0, 1, 2, 0, 1, 2}, high[BYTES] = {0, 0, 0, 1, 1, 1, 2, 2, 2};
    const uint8x16_t v = vld1q_u8(w), by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    sum.ones = add(sum.ones, vqtbl1q_u8(vld1q_u8(low), by_9), q);
    sum.ones = add(sum.ones, vqtbl1q_u8(vld1q_u8(high), by_9), q + 4);
    sum.nines = add(sum.nines, vsubq_u8(by_27, by_9), q + 8);
    sum.twenty_sevens = add(sum.twenty_sevens, vsubq_u8(by_81, by_27), q + 12);
    sum.ones = add(sum.ones, vshrq_n_u8(vsubq_u8(v, by_81), 6), q + 16);
    return sum;
}

/* A power of three is odd: its inverse modulo 2^32 divides multiples of it exactly, also those that wrapped. */
BN_INLINE int32x4_t total(sums sum)
{
    const int32x4_t by_9 = vmulq_n_s32(sum.nines, 0x38E38E39), by_27 = vmulq_n_s32(sum.twenty_sevens, 0x684BDA13);
    return vaddq_s32(sum.ones, vaddq_s32(by_9, by_27));
}

BN_INLINE void panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last,
                     int32_t *restrict y)
{
    const size_t whole = cols / COLS;
    const int32x4_t zero = vdupq_n_s32(0);
    sums sum[QUARTERS];
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) sum[p] = (sums){zero, zero, zero};
    for (size_t i = 0; i < whole; i++) {
        __builtin_prefetch(w + LINE * i + AHEAD);
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) sum[p] = add_quarter(sum[p], w + LINE * i + BYTES * p, q + COLS * i);
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) {
        if (whole * COLS < cols) sum[p] = add_quarter(sum[p], w + LINE * whole + BYTES * p, last);
        vst1q_s32(y + ROWS * p, total(sum[p]));
    }
}

void BN_LANES_NAME(gemv_b3r16)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    int8_t last[COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += BN_B3R16_ROWS) {
        panel(w, cols, q, last, y + i);
        w += bn_b3r16_panel_bytes(cols);
    }
}
