/*
 * The bound of integer products with 256-bit vpdpbusd: ten chains hide its latency. All loops over them are unrolled, so that
 * they stay in registers.
 */
#include <immintrin.h>

#include "kernels.h"

/* See i2s.c: the same file in the AVX-512VL encoding. */
#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define bn_peak_int8_avxvnni bn_peak_int8_avxvnni_twin
bn_kernel_PEAK bn_peak_int8_avxvnni_twin;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#endif

enum { TURN = 5, HALF = 32 };

void bn_peak_int8_avxvnni(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    const __m256i w0 = _mm256_loadu_si256((const __m256i *)codes), w1 = _mm256_loadu_si256((const __m256i *)(codes + HALF));
    const __m256i q0 = _mm256_loadu_si256((const __m256i *)q), q1 = _mm256_loadu_si256((const __m256i *)(q + HALF));
    __m256i low[TURN], high[TURN];
#pragma GCC unroll 5
    for (int i = 0; i < TURN; i++) low[i] = high[i] = _mm256_setzero_si256();
    for (; steps >= TURN; steps -= TURN) {
#pragma GCC unroll 5
        for (int i = 0; i < TURN; i++) {
            low[i] = DPBUSD(low[i], w0, q0);
            high[i] = DPBUSD(high[i], w1, q1);
            __asm__("" : "+x"(low[i]), "+x"(high[i])); /* chains of equal sums stay apart */
        }
    }
    for (; steps > 0; steps--) low[0] = DPBUSD(DPBUSD(low[0], w0, q0), w1, q1);
    __m256i total = _mm256_setzero_si256();
#pragma GCC unroll 5
    for (int i = 0; i < TURN; i++) total = _mm256_add_epi32(total, _mm256_add_epi32(low[i], high[i]));
    uint32_t lanes[8], all = 0;
    _mm256_storeu_si256((__m256i *)lanes, total);
    for (int i = 0; i < 8; i++) all += lanes[i];
    *sum = (int32_t)all;
}
