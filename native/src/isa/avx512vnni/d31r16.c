/*
 * Sums over D31_R16 weights with 512-bit vpdpbusd. A register is a line: a byte holds two codes of its row and two bits
 * of others; int32 lane r belongs to row r from the first instruction to the last, so that there is no horizontal sum. Codes stay where
 * they are in their bytes, so that most take one mask:
 *
 *     line & 0x07                                   quads 0, 2, 4: the code
 *     line & 0x38                                   quads 1, 3, 5: eight times the code
 *     bits 7, 6 of line 0 or 1 and one of line 2    quads 6, 7: 32 times the code, in bits 7..5
 *
 * and so are the three sums of a row, which are shifted back at the end; 2^26 at most for 8192 columns.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d31r16.h"
#include "kernels.h"

enum { AHEAD = 4096 /* bytes between the weights that are read and those that are asked for */ };

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm512_set1_epi32(bits);
}

INLINE __m512i line_of(const uint8_t *restrict line)
{
    _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
    return _mm512_loadu_si512(line);
}

/* Bit 7 of `high` and bits 7, 6 of `low` below it. */
INLINE __m512i across(__m512i high, __m512i low)
{
    const __m512i top = _mm512_set1_epi8((char)0x80), three = _mm512_set1_epi8((char)0xE0);
    const __m512i either = _mm512_ternarylogic_epi32(top, high, _mm512_srli_epi16(low, 1), 0xCA); /* top ? high : low >> 1 */
    return _mm512_and_si512(either, three);
}

/* n, a constant where this is inlined, rows of activations, each with a sum for every place that codes have in bytes. */
INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
                 int32_t *restrict y, size_t y_stride)
{
    const __m512i first = _mm512_set1_epi8(0x07), second = _mm512_set1_epi8(0x38);
    const uint8_t *run = w;
    for (size_t g = 0; g < groups; g++) {
        run += BN_D31R16_HEADER;
        __m512i sum[BN_COARSE_N][3];
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < 3; i++) sum[t][i] = _mm512_setzero_si512();
        for (size_t k = 0; k < cols; k += BN_D31R16_COLS, run += BN_D31R16_RUN) {
            const __m512i a = line_of(run), b = line_of(run + BN_D31R16_LINE), c = line_of(run + 2 * BN_D31R16_LINE);
            const __m512i codes[BN_D31R16_QUADS] = {
                _mm512_and_si512(a, first), _mm512_and_si512(a, second), _mm512_and_si512(b, first),
                _mm512_and_si512(b, second), _mm512_and_si512(c, first), _mm512_and_si512(c, second),
                across(c, a), across(_mm512_add_epi8(c, c), b)};
#pragma GCC unroll 8
            for (size_t i = 0; i < BN_D31R16_QUADS; i++) {
#pragma GCC unroll 4
                for (size_t t = 0; t < n; t++) {
                    __m512i *restrict to = &sum[t][i < 6 ? i % 2 : 2];
                    *to = _mm512_dpbusd_epi32(*to, codes[i], four(q + t * q_stride + k + 4 * i));
                }
            }
        }
        for (size_t t = 0; t < n; t++) {
            const __m512i scaled = _mm512_add_epi32(_mm512_srai_epi32(sum[t][1], 3), _mm512_srai_epi32(sum[t][2], 5));
            _mm512_storeu_si512(y + t * y_stride + g * BN_D31R16_ROWS, _mm512_add_epi32(sum[t][0], scaled));
        }
    }
}

void bn_coarse_d31r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
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

/* Bits are masks of bytes: 64 columns an instruction, and 32 at the end of some rows. */
void bn_bit_sum_avx512vnni(const uint8_t *restrict bits, size_t cols, const int8_t *restrict q, int32_t *restrict sum)
{
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i total[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    size_t k = 0;
    for (; k + 256 <= cols; k += 256) {
        __mmask64 mask[4];
        memcpy(mask, bits + k / 8, sizeof mask);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            total[i] = _mm512_dpbusd_epi32(total[i], ones, _mm512_maskz_loadu_epi8(mask[i], q + k + 64 * i));
    }
    for (; k < cols; k += 32) {
        __mmask32 mask;
        memcpy(&mask, bits + k / 8, sizeof mask);
        total[0] = _mm512_dpbusd_epi32(total[0], ones, _mm512_maskz_loadu_epi8(mask, q + k));
    }
    *sum = _mm512_reduce_add_epi32(
        _mm512_add_epi32(_mm512_add_epi32(total[0], total[1]), _mm512_add_epi32(total[2], total[3])));
}
