/*
 * Sums over D4_R16 weights with AVX2: vpmaddubsw multiplies codes 0..15 by activations and adds pairs. A register is
 * half a line: 8 columns of 8 rows; int32 lane r belongs to row r (or 8 + r) throughout.
 *
 *     half & 0x0F         columns 8j .. 8j + 3      meets q[8j .. 8j + 3] in every lane
 *     half >> 4 & 0x0F    columns 8j + 4 .. + 7     meets q[8j + 4 .. 8j + 7]
 *
 * A pair of products is at most 2 * 15 * 128 = 3840 in magnitude, eight of them 30,720, which an int16 holds: four lines
 * are added before vpmaddwd widens them to int32. Nothing saturates.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d4r16.h"
#include "kernels.h"

enum { AHEAD = 2048, HALF = 32, BATCH = 4 /* lines that an int16 lane holds */ };

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_set1_epi32(bits);
}

/* n, a constant where this is inlined, rows of activations: narrow[t][h] for rows 0..7 (h = 0) and 8..15 of the group. */
INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
                 int32_t *restrict y, size_t y_stride)
{
    const __m256i ones = _mm256_set1_epi16(1), mask = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m256i sum[BN_COARSE_N][2];
        for (size_t t = 0; t < n; t++) sum[t][0] = sum[t][1] = zero;
        for (size_t k = 0; k < cols; k += BATCH * BN_D4R16_COLS) {
            __m256i narrow[BN_COARSE_N][2];
            for (size_t t = 0; t < n; t++) narrow[t][0] = narrow[t][1] = zero;
#pragma GCC unroll 4
            for (size_t i = 0; i < BATCH; i++, line += BN_D4R16_LINE) {
                _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 2
                for (size_t h = 0; h < 2; h++) {
                    const __m256i codes = _mm256_loadu_si256((const __m256i *)(line + h * HALF));
                    const __m256i low = _mm256_and_si256(codes, mask);
                    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask);
#pragma GCC unroll 4
                    for (size_t t = 0; t < n; t++) {
                        const int8_t *restrict x = q + t * q_stride + k + i * BN_D4R16_COLS;
                        const __m256i first = _mm256_maddubs_epi16(low, four(x));
                        const __m256i second = _mm256_maddubs_epi16(high, four(x + 4));
                        narrow[t][h] = _mm256_add_epi16(narrow[t][h], _mm256_add_epi16(first, second));
                    }
                }
            }
            for (size_t t = 0; t < n; t++)
                for (size_t h = 0; h < 2; h++) sum[t][h] = _mm256_add_epi32(sum[t][h], _mm256_madd_epi16(narrow[t][h], ones));
        }
        for (size_t t = 0; t < n; t++)
            for (size_t h = 0; h < 2; h++)
                _mm256_storeu_si256((__m256i *)(y + t * y_stride + g * BN_D4R16_ROWS + 8 * h), sum[t][h]);
    }
}

void bn_coarse_d4r16_avx2(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride,
                          size_t n, int32_t *restrict y, size_t y_stride)
{
    switch (n) {
    case 1:
        sums(w, cols, groups, q, q_stride, 1, y, y_stride);
        return;
    case 2:
        sums(w, cols, groups, q, q_stride, 2, y, y_stride);
        return;
    case 3:
        sums(w, cols, groups, q, q_stride, 3, y, y_stride);
        return;
    default:
        sums(w, cols, groups, q, q_stride, 4, y, y_stride);
    }
}
