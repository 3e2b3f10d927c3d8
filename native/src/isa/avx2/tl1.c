/*
 * TL1 products with AVX2. The bytes of a band meet tables whose order is theirs (formats/tl1.h): in a band of 32 rows the
 * halves of a register are two groups of columns of the same 16 rows, in a band of 64 the same columns of two groups of rows.
 */
#include "formats/tl_walk.h"
#include "tables.h"

enum { AHEAD = 4096 /* bytes between what is read and what is asked for */ };

void bn_tables_tl1_avx2(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    const __m256i a = _mm256_setr_epi16(-1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0);
    const __m256i b = _mm256_setr_epi16(-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    for (size_t j = 0; j < count; j++) {
        const __m256i first = _mm256_mullo_epi16(a, _mm256_set1_epi16(q[2 * j]));
        const __m256i second = _mm256_mullo_epi16(b, _mm256_set1_epi16(q[2 * j + 1]));
        store_table(tables + BN_TABLE_BYTES * j, _mm256_add_epi16(first, second));
    }
}

/* y[0 .. 32) += columns of a band of 32 rows; pairs: their tables. */
INLINE void band_of_32(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[2] = {zero_sums(), zero_sums()};
    for (size_t k = 0; k < cols; k += 8) {
        const uint8_t *t = pairs + BN_TABLE_BYTES / 2 * k;
        const table of_high = tables_of(t, t + 2 * BN_TABLE_BYTES);
        const table of_low = tables_of(t + BN_TABLE_BYTES, t + 3 * BN_TABLE_BYTES);
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        s[0] = add_two(s[0], load(w), of_high, of_low);
        s[1] = add_two(s[1], load(w + 32), of_high, of_low);
        w += BN_TL1_UNIT;
    }
    for (size_t i = 0; i < 2; i++) {
        add_rows(y + 16 * i, _mm_add_epi16(_mm256_castsi256_si128(s[i].low), _mm256_extracti128_si256(s[i].low, 1)));
        add_rows(y + 16 * i + 8, _mm_add_epi16(_mm256_castsi256_si128(s[i].high), _mm256_extracti128_si256(s[i].high, 1)));
    }
}

/* The same for 64 rows. */
INLINE void band_of_64(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    sums s[2] = {zero_sums(), zero_sums()};
    for (size_t k = 0; k < cols; k += 4) {
        const uint8_t *t = pairs + BN_TABLE_BYTES / 2 * k;
        const table of_high = tables_of(t, t), of_low = tables_of(t + BN_TABLE_BYTES, t + BN_TABLE_BYTES);
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        s[0] = add_two(s[0], load(w), of_high, of_low);
        s[1] = add_two(s[1], load(w + 32), of_high, of_low);
        w += BN_TL1_UNIT;
    }
    for (size_t i = 0; i < 2; i++) {
        add_rows(y + 32 * i, _mm256_castsi256_si128(s[i].low));
        add_rows(y + 32 * i + 8, _mm256_castsi256_si128(s[i].high));
        add_rows(y + 32 * i + 16, _mm256_extracti128_si256(s[i].low, 1));
        add_rows(y + 32 * i + 24, _mm256_extracti128_si256(s[i].high, 1));
    }
}

void bn_gemv_tables_tl1_avx2(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                             int32_t *restrict y)
{
    bn_tl1_walk(weight, row, tables, y, band_of_32, band_of_64);
}
