/*
 * Look-ups with NEON: tbl gives, for 16 indices, the low or the high bytes of 16 entries of a table; interleaved they are
 * int16 sums, those of the first 8 indices and those of the last 8.
 */
#ifndef BN_NEON_TABLES_H
#define BN_NEON_TABLES_H

#include "isa/neon/products.h"
#include "kernels.h"

typedef struct table {
    uint8x16_t low, high;
} table;

typedef struct sums {
    int16x8_t first, last;
} sums;

BN_NEON_INLINE table table_at(const uint8_t *t)
{
    return (table){vld1q_u8(t), vld1q_u8(t + BN_TABLE_HIGH)};
}

/* Writes what the indices 0 .. 7 and 8 .. 15 stand for. */
BN_NEON_INLINE void store_table(uint8_t *t, int16x8_t first, int16x8_t last)
{
    const uint8x16_t a = vreinterpretq_u8_s16(first), b = vreinterpretq_u8_s16(last);
    vst1q_u8(t, vuzp1q_u8(a, b));
    vst1q_u8(t + BN_TABLE_HIGH, vuzp2q_u8(a, b));
}

BN_NEON_INLINE sums zero_sums(void)
{
    return (sums){vdupq_n_s16(0), vdupq_n_s16(0)};
}

BN_NEON_INLINE sums add_sums(sums a, sums b)
{
    return (sums){vaddq_s16(a.first, b.first), vaddq_s16(a.last, b.last)};
}

BN_NEON_INLINE sums look_up(table t, uint8x16_t indices)
{
    const uint8x16_t low = vqtbl1q_u8(t.low, indices), high = vqtbl1q_u8(t.high, indices);
    return (sums){vreinterpretq_s16_u8(vzip1q_u8(low, high)), vreinterpretq_s16_u8(vzip2q_u8(low, high))};
}

BN_NEON_INLINE uint8x16_t high_nibbles(uint8x16_t w)
{
    return vshrq_n_u8(w, 4);
}

BN_NEON_INLINE uint8x16_t low_nibbles(uint8x16_t w)
{
    return vandq_u8(w, vdupq_n_u8(15));
}

/* s + what both nibbles of w stand for, each in its table. */
BN_NEON_INLINE sums add_two(sums s, uint8x16_t w, table of_high, table of_low)
{
    return add_sums(s, add_sums(look_up(of_high, high_nibbles(w)), look_up(of_low, low_nibbles(w))));
}

#endif
