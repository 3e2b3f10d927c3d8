/*
 * TL2 products with AVX2. A unit of indices or pairs is a register, 32 rows; interleaved, the bytes from two tables are rows
 * 0 .. 15 and rows 16 .. 31 in order (formats/tl2.h). The signs of 8 triples are a register of 16 words: shifted left by
 * 2 t or 2 t + 1, the word of a row has the sign of its triple t, and vpsignw does the rest.
 */
#include "formats/tl_walk.h"
#include "tables.h"

enum { AHEAD = 4096 /* bytes between what is read and what is asked for */ };

void bn_tables_tl2_avx2(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    const __m256i a = _mm256_setr_epi16(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
    const __m256i b = _mm256_setr_epi16(0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0);
    const __m256i c = _mm256_setr_epi16(0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0);
    for (size_t j = 0; j < count; j++, q += 3) {
        const __m256i first = _mm256_mullo_epi16(a, _mm256_set1_epi16(q[0]));
        const __m256i second = _mm256_mullo_epi16(b, _mm256_set1_epi16(q[1]));
        const __m256i third = _mm256_mullo_epi16(c, _mm256_set1_epi16(q[2]));
        store_table(tables + BN_TABLE_BYTES * j, _mm256_add_epi16(first, _mm256_add_epi16(second, third)));
    }
}

/* The sums of triple t of 8 under their signs. The lowest bit keeps a word without signs from being 0. */
INLINE sums signed_sums(sums s, __m256i signs, int t)
{
    const __m256i positive = _mm256_set1_epi16(1);
    return (sums){_mm256_sign_epi16(s.low, _mm256_or_si256(_mm256_slli_epi16(signs, 2 * t), positive)),
                  _mm256_sign_epi16(s.high, _mm256_or_si256(_mm256_slli_epi16(signs, 2 * t + 1), positive))};
}

INLINE void add_band(int32_t *restrict y, sums s)
{
    add_rows(y, _mm256_castsi256_si128(s.low));
    add_rows(y + 8, _mm256_extracti128_si256(s.low, 1));
    add_rows(y + 16, _mm256_castsi256_si128(s.high));
    add_rows(y + 24, _mm256_extracti128_si256(s.high, 1));
}

/* y[0 .. 32) += the columns of a band of a tile of triples; triples: their tables. */
INLINE void band_of_triples(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t cols,
                            const uint8_t *restrict triples, int32_t *restrict y)
{
    sums s = zero_sums();
    for (size_t k = 0; k < cols; k += BN_TL2_SIGN_COLS) {
        const __m256i sign = load(signs);
        signs += BN_TL2_UNIT;
        _mm_prefetch((const char *)signs + AHEAD / 4, _MM_HINT_T0);
        _mm_prefetch((const char *)indices + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)indices + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int t = 0; t < 8; t += 2) {
            const __m256i w = load(indices);
            const sums first = look_up(tables_of(triples, triples), high_nibbles(w));
            const uint8_t *next = triples + BN_TABLE_BYTES;
            const sums second = look_up(tables_of(next, next), low_nibbles(w));
            s = add_sums(s, add_sums(signed_sums(first, sign, t), signed_sums(second, sign, t + 1)));
            indices += BN_TL2_UNIT;
            triples += 2 * BN_TABLE_BYTES;
        }
    }
    add_band(y, s);
}

INLINE void band_of_pairs(const uint8_t *restrict w, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s = zero_sums();
    for (size_t k = 0; k < BN_TL2_PAIR_TILE; k += BN_TL2_PAIR_COLS) {
        const uint8_t *next = pairs + BN_TABLE_BYTES;
        s = add_two(s, load(w), tables_of(pairs, pairs), tables_of(next, next));
        w += BN_TL2_UNIT;
        pairs += 2 * BN_TABLE_BYTES;
    }
    add_band(y, s);
}

void bn_gemv_tables_tl2_avx2(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                             int32_t *restrict y)
{
    bn_tl2_walk(weight, row, tables, y, band_of_triples, band_of_pairs);
}
