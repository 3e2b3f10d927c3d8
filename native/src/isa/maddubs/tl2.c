/*
 * TL2 products by look-ups. A unit of indices or pairs is 32 rows; interleaved, the bytes from two tables are, of each
 * piece p of 16 bytes, rows 8 p .. and rows 16 + 8 p .. in order (formats/tl2.h). The signs of 8 triples are 16 words, in
 * pieces of the same rows: shifted left by 2 t or 2 t + 1, the word of a row has the sign of its triple t, and vpsignw
 * does the rest.
 */
#include "formats/tl_walk.h"
#include "look_up.h"

enum {
    AHEAD = 4096,                      /* bytes between what is read and what is asked for */
    REGISTERS = BN_TL2_UNIT / BN_BYTES /* of a unit                                        */
};

void BN_LANES_NAME(tables_tl2)(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    const bn_entries a = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, b = {0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1};
    const bn_entries c = {0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1};
    for (size_t j = 0; j < count; j++, q += 3) store_table(tables + BN_TABLE_BYTES * j, a * q[0] + b * q[1] + c * q[2]);
}

/* The sums of a triple under their signs. The lowest bit keeps a word without signs from being 0. */
BN_INLINE bn_words with_signs(bn_words sum, bn_words signs, int left)
{
    const bn_words moved = (bn_words)((bn_unsigned_words)signs << left) | 1;
    return (bn_words)BN_MM(sign_epi16)((bn_register)sum, (bn_register)moved);
}

/* The sums of triple t of 8 that a nibble of indices names, under their signs. */
BN_INLINE sums triple(const uint8_t *restrict sums_of, bn_bytes indices, bn_words signs, int t)
{
    const sums s = look_up(tables_of(sums_of, sums_of), indices);
    return (sums){with_signs(s.low, signs, 2 * t), with_signs(s.high, signs, 2 * t + 1)};
}

BN_INLINE void add_band(int32_t *restrict y, const sums s[REGISTERS])
{
    for (size_t p = 0; p < 2; p++) {
        bn_add_eight(y + 8 * p, piece(s[p / BN_PIECES].low, p));
        bn_add_eight(y + 16 + 8 * p, piece(s[p / BN_PIECES].high, p));
    }
}

/* y[0 .. 32) += the columns of a band of a tile of triples; triples: their tables. */
BN_INLINE void band_of_triples(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t cols,
                               const uint8_t *restrict triples, int32_t *restrict y)
{
    sums s[REGISTERS] = {{{0}, {0}}};
    for (size_t k = 0; k < cols; k += BN_TL2_SIGN_COLS) {
        bn_words sign[REGISTERS];
#pragma GCC unroll 2
        for (size_t i = 0; i < REGISTERS; i++) sign[i] = bn_words_load(signs + BN_BYTES * i);
        signs += BN_TL2_UNIT;
        _mm_prefetch((const char *)signs + AHEAD / 4, _MM_HINT_T0);
        _mm_prefetch((const char *)indices + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)indices + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int t = 0; t < 8; t += 2) {
#pragma GCC unroll 2
            for (size_t i = 0; i < REGISTERS; i++) {
                const bn_bytes w = bn_bytes_load(indices + BN_BYTES * i);
                const sums first = triple(triples, high_nibbles(w), sign[i], t);
                const sums second = triple(triples + BN_TABLE_BYTES, low_nibbles(w), sign[i], t + 1);
                s[i] = add_sums(s[i], add_sums(first, second));
            }
            indices += BN_TL2_UNIT;
            triples += 2 * BN_TABLE_BYTES;
        }
    }
    add_band(y, s);
}

BN_INLINE void band_of_pairs(const uint8_t *restrict w, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[REGISTERS] = {{{0}, {0}}};
    for (size_t k = 0; k < BN_TL2_PAIR_TILE; k += BN_TL2_PAIR_COLS) {
        const uint8_t *next = pairs + BN_TABLE_BYTES;
#pragma GCC unroll 2
        for (size_t i = 0; i < REGISTERS; i++)
            s[i] = add_two(s[i], bn_bytes_load(w + BN_BYTES * i), tables_of(pairs, pairs), tables_of(next, next));
        w += BN_TL2_UNIT;
        pairs += 2 * BN_TABLE_BYTES;
    }
    add_band(y, s);
}

void BN_LANES_NAME(gemv_tables_tl2)(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                                    int32_t *restrict y)
{
    bn_tl2_walk(weight, row, tables, y, band_of_triples, band_of_pairs);
}
