/*
 * TL2 products with NEON. A unit of indices or pairs is two registers; interleaved, the bytes from two tables are the rows
 * 0 .. 7 and 16 .. 23 of the first, 8 .. 15 and 24 .. 31 of the second (formats/tl2.h). The signs of 8 triples are two
 * registers of 8 words: shifted left by 2 t or 2 t + 1, the word of a row has the sign of its triple t.
 */
#include "formats/tl_walk.h"
#include "tables.h"

enum { AHEAD = 4096 /* bytes between what is read and what is asked for */, BYTES = 16, REGISTERS = 2 };

void bn_tables_tl2_neon(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    static const int16_t a[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
    static const int16_t b[] = {0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0};
    static const int16_t c[] = {0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0};
    for (size_t j = 0; j < count; j++, q += 3) {
        int16x8_t sum[2];
        for (size_t half = 0; half < 2; half++) {
            sum[half] = vmlaq_n_s16(vmulq_n_s16(vld1q_s16(a + 8 * half), q[0]), vld1q_s16(b + 8 * half), q[1]);
            sum[half] = vmlaq_n_s16(sum[half], vld1q_s16(c + 8 * half), q[2]);
        }
        store_table(tables + BN_TABLE_BYTES * j, sum[0], sum[1]);
    }
}

/* x, or -x where bit 15 - shift of `signs` is set. */
BN_NEON_INLINE int16x8_t signed_by(int16x8_t x, int16x8_t signs, int shift)
{
    const int16x8_t negative = vshrq_n_s16(vshlq_s16(signs, vdupq_n_s16((int16_t)shift)), 15);
    return vsubq_s16(veorq_s16(x, negative), negative);
}

/* The sums of triple t of 8 under their signs. */
BN_NEON_INLINE sums signed_sums(sums s, int16x8_t signs, int t)
{
    return (sums){signed_by(s.first, signs, 2 * t), signed_by(s.last, signs, 2 * t + 1)};
}

BN_NEON_INLINE void add_band(int32_t *restrict y, const sums s[REGISTERS])
{
    for (size_t r = 0; r < REGISTERS; r++) {
        bn_add_rows(y + 8 * r, s[r].first);
        bn_add_rows(y + 16 + 8 * r, s[r].last);
    }
}

/* y[0 .. 32) += the columns of a band of a tile of triples; triples: their tables. */
static void band_of_triples(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t cols,
                            const uint8_t *restrict triples, int32_t *restrict y)
{
    sums s[REGISTERS] = {zero_sums(), zero_sums()};
    for (size_t k = 0; k < cols; k += BN_TL2_SIGN_COLS, signs += BN_TL2_UNIT) {
        __builtin_prefetch(signs + AHEAD / 4);
        __builtin_prefetch(indices + AHEAD);
        __builtin_prefetch(indices + AHEAD + 64);
#pragma GCC unroll 4
        for (int t = 0; t < 8; t += 2, indices += BN_TL2_UNIT, triples += 2 * BN_TABLE_BYTES) {
            const table even = table_at(triples), odd = table_at(triples + BN_TABLE_BYTES);
#pragma GCC unroll 2
            for (size_t r = 0; r < REGISTERS; r++) {
                const int16x8_t sign = vreinterpretq_s16_u8(vld1q_u8(signs + BYTES * r));
                const uint8x16_t w = vld1q_u8(indices + BYTES * r);
                s[r] = add_sums(s[r], add_sums(signed_sums(look_up(even, high_nibbles(w)), sign, t),
                                               signed_sums(look_up(odd, low_nibbles(w)), sign, t + 1)));
            }
        }
    }
    add_band(y, s);
}

static void band_of_pairs(const uint8_t *restrict w, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[REGISTERS] = {zero_sums(), zero_sums()};
    for (size_t k = 0; k < BN_TL2_PAIR_TILE; k += BN_TL2_PAIR_COLS, w += BN_TL2_UNIT, pairs += 2 * BN_TABLE_BYTES)
        for (size_t r = 0; r < REGISTERS; r++)
            s[r] = add_two(s[r], vld1q_u8(w + BYTES * r), table_at(pairs), table_at(pairs + BN_TABLE_BYTES));
    add_band(y, s);
}

void bn_gemv_tables_tl2_neon(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                             int32_t *restrict y)
{
    bn_tl2_walk(weight, row, tables, y, band_of_triples, band_of_pairs);
}
