/*
 * B3_R16 products with AVX2. A register of weights is half a line, 8 rows by 20 columns in 32 bytes; of each row's four
 * bytes the same digit is 4 neighbouring columns, which meet one 32-bit piece of the activations, broadcast:
 *
 *     dword        0       1       ...     7
 *     d0           row 0   row 1           row 7      columns  0 ..  3, meet q[ 0 ..  3]
 *     d1                                               columns  4 ..  7
 *     d2                                               columns  8 .. 11
 *     d3                                               columns 12 .. 15
 *     d4                                               columns 16 .. 19
 *
 * A byte is divided by 9 and by 81 as a 16-bit number, by multiplication; the remainders, pairs of digits, are looked
 * up. vpmaddubsw then multiplies 32 digits by 32 activations and adds pairs to 16 int16 lanes. A pair is at most
 * 2 * 2 * 128 = 512 in magnitude, a line's five pairs 2560: twelve lines are 30,720, which an int16 holds.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r16.h"
#include "kernels.h"

enum {
    AHEAD = 2048, /* bytes between what is read and what is asked for */
    BATCH = 12,   /* lines that an int16 lane holds                   */
    ROWS = 8,     /* of half a line                                   */
    BYTES = 32,
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

typedef struct digits {
    __m256i of[BN_B3R16_DIGITS];
} digits;

/* Each byte by a divisor: floor(v * factor / 2^16), exact up to 242 for 7282 (9) and 810 (81). */
INLINE __m256i divide(__m256i even, __m256i odd, int16_t factor)
{
    const __m256i f = _mm256_set1_epi16(factor);
    return _mm256_or_si256(_mm256_mulhi_epu16(even, f), _mm256_slli_epi16(_mm256_mulhi_epu16(odd, f), 8));
}

/* a - 9 b for bytes b of at most 26, whose eightfold stays inside them. */
INLINE __m256i less_nine(__m256i a, __m256i b)
{
    return _mm256_sub_epi8(a, _mm256_add_epi8(_mm256_slli_epi16(b, 3), b));
}

INLINE digits unpack(const uint8_t *restrict w)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i v = _mm256_loadu_si256((const __m256i *)w);
    const __m256i even = _mm256_and_si256(v, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(v, 8);
    const __m256i by_9 = divide(even, odd, 7282), by_81 = divide(even, odd, 810);
    const __m256i d0d1 = less_nine(v, by_9), d2d3 = less_nine(by_9, by_81);
    digits d;
    d.of[0] = _mm256_shuffle_epi8(low, d0d1);
    d.of[1] = _mm256_shuffle_epi8(high, d0d1);
    d.of[2] = _mm256_shuffle_epi8(low, d2d3);
    d.of[3] = _mm256_shuffle_epi8(high, d2d3);
    d.of[4] = by_81;
    return d;
}

/* 8 rows by 20 columns, two int16 lanes a row. */
INLINE __m256i half_line(const uint8_t *restrict w, const int8_t *restrict q)
{
    const digits d = unpack(w);
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 5
    for (size_t p = 0; p < BN_B3R16_DIGITS; p++) {
        int32_t bits;
        memcpy(&bits, q + 4 * p, sizeof bits);
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(d.of[p], _mm256_set1_epi32(bits)));
    }
    return sum;
}

INLINE __m256i widen(__m256i sum, __m256i narrow)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, _mm256_set1_epi16(1)));
}

INLINE void panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last,
                  int32_t *restrict y)
{
    const size_t whole = cols / COLS;
    __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t first = 0; first < whole; first += BATCH) {
        const size_t end = whole - first < BATCH ? whole : first + BATCH;
        __m256i narrow[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t i = first; i < end; i++) {
            _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; h++)
                narrow[h] = _mm256_add_epi16(narrow[h], half_line(w + LINE * i + BYTES * h, q + COLS * i));
        }
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; h++) sum[h] = widen(sum[h], narrow[h]);
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; h++) {
        if (whole * COLS < cols) sum[h] = widen(sum[h], half_line(w + LINE * whole + BYTES * h, last));
        _mm256_storeu_si256((__m256i *)(y + ROWS * h), sum[h]);
    }
}

void bn_gemv_b3r16_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                        int32_t *restrict y)
{
    int8_t last[BN_B3R16_COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += BN_B3R16_ROWS) {
        panel(w, cols, q, last, y + i);
        w += bn_b3r16_panel_bytes(cols);
    }
}
