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

/* 8 columns of 8 rows, in pairs of int16 lanes. */
INLINE __m256i products(const uint8_t *restrict half, __m256i first, __m256i second)
{
    const __m256i mask = _mm256_set1_epi8(15), codes = _mm256_loadu_si256((const __m256i *)half);
    return _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(codes, mask), first),
                            _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(codes, 4), mask), second));
}

void bn_coarse_d4r16_avx2(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                          int32_t *restrict y)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t k = 0; k < cols; k += BATCH * BN_D4R16_COLS) {
            __m256i narrow[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 4
            for (size_t i = 0; i < BATCH; i++, line += BN_D4R16_LINE) {
                _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
                const int8_t *restrict x = q + k + i * BN_D4R16_COLS;
                const __m256i first = four(x), second = four(x + 4);
                narrow[0] = _mm256_add_epi16(narrow[0], products(line, first, second));
                narrow[1] = _mm256_add_epi16(narrow[1], products(line + HALF, first, second));
            }
            sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(narrow[0], ones));
            sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(narrow[1], ones));
        }
        _mm256_storeu_si256((__m256i *)(y + g * BN_D4R16_ROWS), sum[0]);
        _mm256_storeu_si256((__m256i *)(y + g * BN_D4R16_ROWS + 8), sum[1]);
    }
}
