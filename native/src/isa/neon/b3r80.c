/*
 * The B3_R80 matrix-vector product. A register of weights is a quarter of a line, a quarter of each of its five groups of
 * rows by 4 columns, which meet the same dword of activations, broadcast; the lanes of the sums are rows. The remainders of
 * a byte by 81, 27 and 9 are taken one from the other and multiplied as they are, since they are linear in the digits:
 *
 *     by_81        d0 + 3 d1 + 9 d2 + 27 d3
 *     by_27        d0 + 3 d1 + 9 d2
 *     by_9         d0 + 3 d1
 *     by_3         d0, looked up
 *     d4           of 81 and 162, bits 7 6: bytes of products are signed, and v is not below 128
 *
 * The sums of d1, d2 and d3 are the differences of those sums, divided by powers of three once a panel, modulo 2^32.
 */
#include "isa/neon/products.h"

#include "formats/b3r80.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    AHEAD = 4096, /* bytes between the weights that are read and those that are asked for */
    QUARTERS = 4,
    ROWS = BN_B3R80_GROUP / QUARTERS,
    BYTES = BN_B3R80_LINE / QUARTERS,
    COLS = BN_B3R80_COLS,
    LINE = BN_B3R80_LINE,
    REMAINDERS = 4
};

typedef struct sums {
    int32x4_t of[REMAINDERS], d4; /* of by_3, by_9, by_27 and by_81 */
} sums;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
BN_INLINE uint8x16_t rest(uint8x16_t v, uint8_t m)
{
    const uint8x16_t once = vsubq_u8(v, vdupq_n_u8(m)), twice = vsubq_u8(v, vdupq_n_u8((uint8_t)(2 * m)));
    return vminq_u8(vminq_u8(v, once), twice);
}

BN_INLINE int32x4_t add(int32x4_t sum, uint8x16_t x, int8x16_t q)
{
    return bn_add_quads(sum, vreinterpretq_s8_u8(x), q);
}

BN_INLINE void add_quarter(sums *sum, const uint8_t *restrict w, int8x16_t q)
{
    static const uint8_t modulo_3[BYTES] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    const uint8x16_t v = vld1q_u8(w), by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    const uint8x16_t x[REMAINDERS] = {vqtbl1q_u8(vld1q_u8(modulo_3), by_9), by_9, by_27, by_81};
#pragma GCC unroll 4
    for (size_t d = 0; d < REMAINDERS; d++) sum->of[d] = add(sum->of[d], x[d], q);
    sum->d4 = add(sum->d4, vshrq_n_u8(vsubq_u8(v, by_81), 6), q);
}

BN_INLINE void store(sums sum, size_t groups, int32_t *restrict y)
{
    int32x4_t less = vdupq_n_s32(0);
#pragma GCC unroll 4
    for (size_t d = 0; d < REMAINDERS; d++) {
        const int32x4_t digit = vmulq_n_s32(vsubq_s32(sum.of[d], less), (int32_t)BN_B3R80_INVERSE[d]);
        if (d < groups) vst1q_s32(y + BN_B3R80_GROUP * d, digit);
        less = sum.of[d];
    }
    if (REMAINDERS < groups) vst1q_s32(y + BN_B3R80_GROUP * REMAINDERS, sum.d4);
}

BN_INLINE void panel(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    const int32x4_t zero = vdupq_n_s32(0);
    sums sum[QUARTERS];
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) sum[p] = (sums){{zero, zero, zero, zero}, zero};
    for (size_t k = 0; k < cols; k += COLS, w += LINE) {
        __builtin_prefetch(w + AHEAD);
        const int8x16_t four = bn_four(q + k);
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) add_quarter(&sum[p], w + BYTES * p, four);
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) store(sum[p], groups, y + ROWS * p);
}

void BN_LANES_NAME(gemv_b3r80)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS, w += bn_b3r80_panel_bytes(cols))
        panel(w, cols, bn_b3r80_groups(rows - i), q, y + i);
}
