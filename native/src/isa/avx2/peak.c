/*
 * The bound of integer products with AVX2: vpmaddubsw, 32 multiply-adds of registers, and the addition of its int16
 * lanes. A pair of products is at most 2 * 3 * 128 = 768 in magnitude: 32 steps stay within an int16.
 */
#include <immintrin.h>

#include "kernels.h"

enum { BATCH = 32, HALF = 32 };

static inline __attribute__((always_inline)) __m256i batch(__m256i w0, __m256i w1, __m256i q0, __m256i q1, size_t steps)
{
    __m256i low = _mm256_setzero_si256(), high = low;
#pragma GCC unroll 8
    for (size_t s = 0; s < steps; s++) {
        __asm__("" : "+x"(w0), "+x"(w1)); /* every step multiplies anew */
        low = _mm256_add_epi16(low, _mm256_maddubs_epi16(w0, q0));
        high = _mm256_add_epi16(high, _mm256_maddubs_epi16(w1, q1));
    }
    const __m256i ones = _mm256_set1_epi16(1);
    return _mm256_add_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
}

void bn_peak_int8_avx2(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    const __m256i w0 = _mm256_loadu_si256((const __m256i *)codes), w1 = _mm256_loadu_si256((const __m256i *)(codes + HALF));
    const __m256i q0 = _mm256_loadu_si256((const __m256i *)q), q1 = _mm256_loadu_si256((const __m256i *)(q + HALF));
    __m256i total = _mm256_setzero_si256();
    for (; steps >= BATCH; steps -= BATCH) total = _mm256_add_epi32(total, batch(w0, w1, q0, q1, BATCH));
    total = _mm256_add_epi32(total, batch(w0, w1, q0, q1, steps));
    uint32_t lanes[8], all = 0;
    _mm256_storeu_si256((__m256i *)lanes, total);
    for (int i = 0; i < 8; i++) all += lanes[i];
    *sum = (int32_t)all;
}
