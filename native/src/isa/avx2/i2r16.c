/*
 * The I2_R16 matrix-vector product with AVX2: vpmaddubsw multiplies 32 unsigned codes by 32 signed activations and adds
 * pairs to 16 int16 lanes. A register of weights is half a line, 8 rows by 16 columns in 32 bytes; of each row's four
 * bytes the same two bits are 4 neighbouring columns, which meet one 32-bit piece of the activations, broadcast:
 *
 *     dword        0       1       ...     7
 *     bits 1 0     row 0   row 1           row 7      columns  0 ..  3
 *     bits 3 2                                         columns  4 ..  7
 *     bits 5 4                                         columns  8 .. 11
 *     bits 7 6                                         columns 12 .. 15
 *
 * A pair of products is at most 2 * 2 * 128 = 512 in magnitude, a line's four pairs 2048: eight lines are 16,384, which
 * an int16 holds, and then vpmaddwd adds the two lanes of each row and widens them to int32.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2r16.h"
#include "kernels.h"

enum {
    AHEAD = 2048, /* bytes between what is read and what is asked for */
    BATCH = 8,    /* lines that an int16 lane holds                   */
    HALVES = 2,
    ROWS = 8, /* of half a line */
    BYTES = 32,
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

typedef struct codes {
    __m256i group[4];
} codes;

INLINE codes unpack(const uint8_t *restrict w)
{
    const __m256i packed = _mm256_loadu_si256((const __m256i *)w), mask = _mm256_set1_epi8(3);
    codes c;
    c.group[0] = _mm256_and_si256(packed, mask);
    c.group[1] = _mm256_and_si256(_mm256_srli_epi16(packed, 2), mask);
    c.group[2] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
    c.group[3] = _mm256_and_si256(_mm256_srli_epi16(packed, 6), mask);
    return c;
}

INLINE __m256i product(__m256i group, const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_maddubs_epi16(group, _mm256_set1_epi32(bits));
}

/* 8 rows by 16 columns, two int16 lanes a row. */
INLINE __m256i half_line(codes c, const int8_t *restrict q)
{
    const __m256i a = _mm256_add_epi16(product(c.group[0], q), product(c.group[1], q + 4));
    const __m256i b = _mm256_add_epi16(product(c.group[2], q + 8), product(c.group[3], q + 12));
    return _mm256_add_epi16(a, b);
}

INLINE __m256i widen(__m256i sum, __m256i narrow)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, _mm256_set1_epi16(1)));
}

/* A panel, half after half side by side in registers. */
INLINE void panel(const uint8_t *restrict w, size_t lines, const int8_t *restrict q, int32_t *restrict y)
{
    __m256i sum[HALVES], narrow[HALVES];
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++) sum[h] = _mm256_setzero_si256();
    for (size_t first = 0; first < lines; first += BATCH) {
        const size_t last = lines - first < BATCH ? lines : first + BATCH;
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) narrow[h] = _mm256_setzero_si256();
        for (size_t i = first; i < last; i++) {
            _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 2
            for (size_t h = 0; h < HALVES; h++)
                narrow[h] = _mm256_add_epi16(narrow[h], half_line(unpack(w + LINE * i + BYTES * h), q + COLS * i));
        }
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) sum[h] = widen(sum[h], narrow[h]);
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++) _mm256_storeu_si256((__m256i *)(y + ROWS * h), sum[h]);
}

void bn_gemv_i2r16_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                        int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        panel(w, cols / COLS, q, y + i);
        w += bn_i2r16_panel_bytes(cols);
    }
}
