/*
 * The bound of integer products with 512-bit vpdpbusd: twelve chains hide its latency. All loops over them are unrolled, so
 * that they stay in registers.
 */
#include <immintrin.h>

#include "kernels.h"

enum { TURN = 12 };

void bn_peak_int8_avx512vnni(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    const __m512i w = _mm512_loadu_si512(codes), x = _mm512_loadu_si512(q);
    __m512i chain[TURN];
#pragma GCC unroll 12
    for (int i = 0; i < TURN; i++) chain[i] = _mm512_setzero_si512();
    for (; steps >= TURN; steps -= TURN) {
#pragma GCC unroll 12
        for (int i = 0; i < TURN; i++) {
            chain[i] = _mm512_dpbusd_epi32(chain[i], w, x);
            __asm__("" : "+v"(chain[i])); /* chains of equal sums stay apart */
        }
    }
    for (; steps > 0; steps--) chain[0] = _mm512_dpbusd_epi32(chain[0], w, x);
    __m512i total = _mm512_setzero_si512();
#pragma GCC unroll 12
    for (int i = 0; i < TURN; i++) total = _mm512_add_epi32(total, chain[i]);
    *sum = _mm512_reduce_add_epi32(total);
}
