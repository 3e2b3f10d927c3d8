/*
 * Look-ups with AVX2: vpshufb gives, for 16 indices in each half of a register, the low or the high bytes of 16 entries of
 * a table; interleaved they are int16 sums, in `low` those of the first 8 bytes of each half, in `high` of the other 8.
 */
#ifndef BN_AVX2_TABLES_H
#define BN_AVX2_TABLES_H

#include <immintrin.h>

#include "kernels.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct table {
    __m256i low, high;
} table;

typedef struct sums {
    __m256i low, high;
} sums;

INLINE __m128i half_table(const uint8_t *t)
{
    return _mm_loadu_si128((const __m128i *)t);
}

/* One table for the bytes of each half. */
INLINE table tables_of(const uint8_t *first_half, const uint8_t *second_half)
{
    return (table){_mm256_set_m128i(half_table(second_half), half_table(first_half)),
                   _mm256_set_m128i(half_table(second_half + BN_TABLE_HIGH), half_table(first_half + BN_TABLE_HIGH))};
}

INLINE sums zero_sums(void)
{
    return (sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

INLINE sums look_up(table t, __m256i indices)
{
    const __m256i low = _mm256_shuffle_epi8(t.low, indices), high = _mm256_shuffle_epi8(t.high, indices);
    return (sums){_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high)};
}

INLINE sums add_sums(sums a, sums b)
{
    return (sums){_mm256_add_epi16(a.low, b.low), _mm256_add_epi16(a.high, b.high)};
}

INLINE __m256i high_nibbles(__m256i w)
{
    return _mm256_and_si256(_mm256_srli_epi16(w, 4), _mm256_set1_epi8(15));
}

INLINE __m256i low_nibbles(__m256i w)
{
    return _mm256_and_si256(w, _mm256_set1_epi8(15));
}

/* 32 bytes of two indices each. */
INLINE sums add_two(sums s, __m256i w, table of_high, table of_low)
{
    return add_sums(s, add_sums(look_up(of_high, high_nibbles(w)), look_up(of_low, low_nibbles(w))));
}

INLINE __m256i load(const uint8_t *w)
{
    return _mm256_loadu_si256((const __m256i *)w);
}

/* y[0 .. 8) += */
INLINE void add_rows(int32_t *restrict y, __m128i rows)
{
    __m256i *at = (__m256i *)y;
    _mm256_storeu_si256(at, _mm256_add_epi32(_mm256_loadu_si256(at), _mm256_cvtepi16_epi32(rows)));
}

/* One table of 16 int16, as low bytes and high bytes. */
INLINE void store_table(uint8_t *restrict to, __m256i entries)
{
    const __m256i low = _mm256_and_si256(entries, _mm256_set1_epi16(255)), high = _mm256_srli_epi16(entries, 8);
    _mm256_storeu_si256((__m256i *)to, _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xD8));
}

#endif
