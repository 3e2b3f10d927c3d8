/*
 * Sums over D4_R16 weights with 512-bit vpdpbusd. A register is a line: 8 columns of 16 rows, four bits each; int32
 * lane r belongs to row r from the first instruction to the last, so that there is no horizontal sum:
 *
 *     line & 0x0F         columns 8j .. 8j + 3      meets q[8j .. 8j + 3] in every lane
 *     line & 0xF0         columns 8j + 4 .. + 7     meets q[8j + 4 .. 8j + 7]: sixteen times the code, as is its sum, which
 *                                                   is shifted back at the end; 2^28 at most for 8192 columns
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d4r16.h"
#include "kernels.h"

enum { AHEAD = 4096 /* bytes between the weights that are read and those that are asked for */ };

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm512_set1_epi32(bits);
}

/*
 * n, a constant where this is inlined, rows of activations, each with as many sums side by side as keep the multiplier
 * busy: eight for a single row. Even ones are of the low bits, odd ones of the high bits.
 */
INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
                 int32_t *restrict y, size_t y_stride)
{
    const __m512i mask = _mm512_set1_epi8(15);
    const size_t chains = n == 1 ? 8 : n == 2 ? 4 : 2;
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m512i sum[BN_COARSE_N][8];
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < chains; i++) sum[t][i] = _mm512_setzero_si512();
        for (size_t k = 0; k < cols; k += 4 * BN_D4R16_COLS) {
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++, line += BN_D4R16_LINE) {
                _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
                const __m512i codes = _mm512_loadu_si512(line);
                const __m512i low = _mm512_and_si512(codes, mask), high = _mm512_andnot_si512(mask, codes);
#pragma GCC unroll 4
                for (size_t t = 0; t < n; t++) {
                    const int8_t *restrict x = q + t * q_stride + k + i * BN_D4R16_COLS;
                    __m512i *restrict to = sum[t] + 2 * i % chains;
                    to[0] = _mm512_dpbusd_epi32(to[0], low, four(x));
                    to[1] = _mm512_dpbusd_epi32(to[1], high, four(x + 4));
                }
            }
        }
        for (size_t t = 0; t < n; t++) {
            for (size_t i = 2; i < chains; i++) sum[t][i % 2] = _mm512_add_epi32(sum[t][i % 2], sum[t][i]);
            _mm512_storeu_si512(y + t * y_stride + g * BN_D4R16_ROWS,
                                _mm512_add_epi32(sum[t][0], _mm512_srai_epi32(sum[t][1], 4)));
        }
    }
}

void bn_coarse_d4r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                                size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
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
