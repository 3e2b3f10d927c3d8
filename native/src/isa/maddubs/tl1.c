/*
 * TL1 products by look-ups. The bytes of a band meet tables whose order is theirs (formats/tl1.h): in a band of 32 rows
 * the four pieces of a unit are two groups of columns of two groups of rows, in a band of 64 the same columns of four.
 */
#include "formats/tl_walk.h"
#include "look_up.h"

enum {
    AHEAD = 4096,                      /* bytes between what is read and what is asked for */
    REGISTERS = BN_TL1_UNIT / BN_BYTES /* of a unit                                        */
};

void BN_LANES_NAME(tables_tl1)(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    const bn_entries a = {-1, -1, -1, 0, 0, 0, 1, 1, 1}, b = {-1, 0, 1, -1, 0, 1, -1, 0, 1};
    for (size_t j = 0; j < count; j++) store_table(tables + BN_TABLE_BYTES * j, a * q[2 * j] + b * q[2 * j + 1]);
}

/* y[0 .. 32) += columns of a band of 32 rows; pairs: their tables. */
BN_INLINE void band_of_32(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[REGISTERS] = {{{0}, {0}}};
    for (size_t k = 0; k < cols; k += 8, w += BN_TL1_UNIT) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
        for (size_t i = 0; i < REGISTERS; i++) {
            const uint8_t *first = pairs + BN_TABLE_BYTES / 2 * (k + BN_PIECES * i % 2 * 4);
            const uint8_t *other = first + 2 * BN_TABLE_BYTES;
            const table of_high = tables_of(first, other);
            const table of_low = tables_of(first + BN_TABLE_BYTES, other + BN_TABLE_BYTES);
            s[i] = add_two(s[i], bn_bytes_load(w + BN_BYTES * i), of_high, of_low);
        }
    }
    for (size_t p = 0; p < 4; p += 2) {
        const sums columns = s[p / BN_PIECES], others = s[(p + 1) / BN_PIECES];
        bn_add_eight(y + 8 * p, _mm_add_epi16(piece(columns.low, p), piece(others.low, p + 1)));
        bn_add_eight(y + 8 * p + 8, _mm_add_epi16(piece(columns.high, p), piece(others.high, p + 1)));
    }
}

/* The same for 64 rows. */
BN_INLINE void band_of_64(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[REGISTERS] = {{{0}, {0}}};
    for (size_t k = 0; k < cols; k += 4, w += BN_TL1_UNIT) {
        const uint8_t *t = pairs + BN_TABLE_BYTES / 2 * k;
        const table of_high = tables_of(t, t), of_low = tables_of(t + BN_TABLE_BYTES, t + BN_TABLE_BYTES);
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
        for (size_t i = 0; i < REGISTERS; i++) s[i] = add_two(s[i], bn_bytes_load(w + BN_BYTES * i), of_high, of_low);
    }
    for (size_t p = 0; p < 4; p++) {
        bn_add_eight(y + 16 * p, piece(s[p / BN_PIECES].low, p));
        bn_add_eight(y + 16 * p + 8, piece(s[p / BN_PIECES].high, p));
    }
}

void BN_LANES_NAME(gemv_tables_tl1)(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                                    int32_t *restrict y)
{
    bn_tl1_walk(weight, row, tables, y, band_of_32, band_of_64);
}
