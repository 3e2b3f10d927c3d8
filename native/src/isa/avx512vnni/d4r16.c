/*
 * Sums over D4_R16 weights with 512-bit vpdpbusd. A register is a line: 8 columns of 16 rows, four bits each; int32
 * lane r belongs to row r from the first instruction to the last, so that there is no horizontal sum:
 *
 *     line & 0x0F         columns 8j .. 8j + 3      meets q[8j .. 8j + 3] in every lane
 *     line >> 4 & 0x0F    columns 8j + 4 .. + 7     meets q[8j + 4 .. 8j + 7]
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d4r16.h"
#include "kernels.h"

enum { AHEAD = 4096 /* bytes between the weights that are read and those that are asked for */ };

static inline __attribute__((always_inline)) __m512i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm512_set1_epi32(bits);
}

void bn_coarse_d4r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                                int32_t *restrict y)
{
    const __m512i mask = _mm512_set1_epi8(15);
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m512i low[4], high[4];
        for (size_t i = 0; i < 4; i++) low[i] = high[i] = _mm512_setzero_si512();
        for (size_t k = 0; k < cols; k += 4 * BN_D4R16_COLS) {
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++, line += BN_D4R16_LINE) {
                _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
                const __m512i codes = _mm512_loadu_si512(line);
                const int8_t *restrict x = q + k + i * BN_D4R16_COLS;
                low[i] = _mm512_dpbusd_epi32(low[i], _mm512_and_si512(codes, mask), four(x));
                high[i] = _mm512_dpbusd_epi32(high[i], _mm512_and_si512(_mm512_srli_epi16(codes, 4), mask), four(x + 4));
            }
        }
        for (size_t i = 0; i < 4; i++) low[i] = _mm512_add_epi32(low[i], high[i]);
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(low[0], low[1]), _mm512_add_epi32(low[2], low[3]));
        _mm512_storeu_si512(y + g * BN_D4R16_ROWS, sum);
    }
}
