/*
 * B3_R80 products with 512-bit vpdpbusd. A register of weights is one line, 80 rows by 4 columns, which meet the same dword
 * of activations, broadcast; the 16 lanes of the sums are rows. The remainders of a byte by 81, 27 and 9 are taken one from
 * the other and multiplied as they are, since they are linear in the digits:
 *
 *     v            d0 + 3 d1 + 9 d2 + 27 d3 + 81 d4
 *     by_81        d0 + 3 d1 + 9 d2 + 27 d3
 *     by_27        d0 + 3 d1 + 9 d2
 *     by_9         d0 + 3 d1
 *     by_3         d0, looked up
 *
 * The sums of the digits are the differences of those sums, divided by powers of three once a panel, modulo 2^32.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r80.h"
#include "kernels.h"

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    COLS = BN_B3R80_COLS,
    LINE = BN_B3R80_LINE
};

#define INLINE static inline __attribute__((always_inline))

typedef struct sums {
    __m512i of[BN_B3R80_DIGITS]; /* of by_3, by_9, by_27, by_81 and v */
} sums;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
INLINE __m512i rest(__m512i v, int m)
{
    const __m512i once = _mm512_sub_epi8(v, _mm512_set1_epi8((char)m));
    const __m512i twice = _mm512_sub_epi8(v, _mm512_set1_epi8((char)(2 * m)));
    return _mm512_min_epu8(_mm512_min_epu8(v, once), twice);
}

INLINE void add_line(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const __m512i modulo_3 = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m512i v = _mm512_loadu_si512(w), by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    const __m512i x[BN_B3R80_DIGITS] = {_mm512_shuffle_epi8(modulo_3, by_9), by_9, by_27, by_81, v};
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
#pragma GCC unroll 5
    for (size_t d = 0; d < BN_B3R80_DIGITS; d++)
        sum->of[d] = _mm512_dpbusd_epi32(sum->of[d], x[d], _mm512_set1_epi32(bits));
}

INLINE void panel(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    sums sum = {0};
    for (size_t k = 0; k < cols; k += COLS, w += LINE) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T1);
        add_line(&sum, w, q + k);
    }
    __m512i less = _mm512_setzero_si512();
#pragma GCC unroll 5
    for (size_t d = 0; d < BN_B3R80_DIGITS; d++) {
        const __m512i inverse = _mm512_set1_epi32((int32_t)BN_B3R80_INVERSE[d]);
        const __m512i digit = _mm512_mullo_epi32(_mm512_sub_epi32(sum.of[d], less), inverse);
        if (d < groups) _mm512_storeu_si512(y + BN_B3R80_GROUP * d, digit);
        less = sum.of[d];
    }
}

void bn_gemv_b3r80_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                              int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS, w += bn_b3r80_panel_bytes(cols))
        panel(w, cols, bn_b3r80_groups(rows - i), q, y + i);
}
