/*
 * TL1 products with NEON. A register holds what 16 rows have in 4 columns; their nibbles are looked up in the tables of the
 * two pairs. The int16 sums of BN_TL1_WIDEN columns go to y at once.
 */
#include "formats/tl_walk.h"
#include "tables.h"

enum {
    AHEAD = 4096, /* bytes between what is read and what is asked for */
    BYTES = 16,
    MOST_REGISTERS = 4 /* of 16 rows in a band */
};

/* (a, b) of index 3 a + b + 4, that is index / 3 - 1 and index % 3 - 1; 9 .. 15 have no meaning. */
void bn_tables_tl1_neon(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    static const int16_t a[] = {-1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
    static const int16_t b[] = {-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    for (size_t j = 0; j < count; j++, q += 2) {
        int16x8_t sum[2];
        for (size_t half = 0; half < 2; half++)
            sum[half] = vmlaq_n_s16(vmulq_n_s16(vld1q_s16(a + 8 * half), q[0]), vld1q_s16(b + 8 * half), q[1]);
        store_table(tables + BN_TABLE_BYTES * j, sum[0], sum[1]);
    }
}

/* y[0 .. band) += `cols` columns of a band of 32 or 64 rows, a constant of the instance. */
BN_NEON_INLINE void add_band(const uint8_t *restrict w, size_t band, size_t cols, const uint8_t *restrict pairs,
                             int32_t *restrict y)
{
    const size_t registers = band / 16, unit_cols = BN_TL1_WEIGHTS / band, fours = unit_cols / 4;
    sums s[MOST_REGISTERS];
#pragma GCC unroll 4
    for (size_t r = 0; r < registers; r++) s[r] = zero_sums();
    for (size_t k = 0; k < cols; k += unit_cols, w += BN_TL1_UNIT) {
        __builtin_prefetch(w + AHEAD);
#pragma GCC unroll 2
        for (size_t c = 0; c < fours; c++) {
            const table of_high = table_at(pairs), of_low = table_at(pairs + BN_TABLE_BYTES);
            pairs += 2 * BN_TABLE_BYTES;
#pragma GCC unroll 4
            for (size_t r = 0; r < registers; r++)
                s[r] = add_two(s[r], vld1q_u8(w + BYTES * (r * fours + c)), of_high, of_low);
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < registers; r++) {
        bn_add_rows(y + 16 * r, s[r].first);
        bn_add_rows(y + 16 * r + 8, s[r].last);
    }
}

static void band_of_32(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    add_band(w, 32, cols, pairs, y);
}

static void band_of_64(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    add_band(w, 64, cols, pairs, y);
}

void bn_gemv_tables_tl1_neon(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                             int32_t *restrict y)
{
    bn_tl1_walk(weight, row, tables, y, band_of_32, band_of_64);
}
