/*
 * B3_R80 products with 256-bit vpdpbusd. A register of weights is half a line, half of each of its five groups of rows by 4
 * columns, which meet the same dword of activations, broadcast; the 8 lanes of the sums are rows. The remainders of a byte
 * by 81, 27 and 9 are taken one from the other and multiplied as they are, since they are linear in the digits:
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

/* The kernel check compiles this file a second time, in the AVX-512VL encoding of the same instruction. */
#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define bn_gemv_b3r80_avxvnni bn_gemv_b3r80_avxvnni_twin
bn_kernel_GEMV bn_gemv_b3r80_avxvnni_twin;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#endif

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    HALVES = 2,
    ROWS = BN_B3R80_GROUP / HALVES,
    BYTES = BN_B3R80_LINE / HALVES,
    COLS = BN_B3R80_COLS,
    LINE = BN_B3R80_LINE
};

#define INLINE static inline __attribute__((always_inline))

typedef struct sums {
    __m256i of[BN_B3R80_DIGITS]; /* of by_3, by_9, by_27, by_81 and v */
} sums;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
INLINE __m256i rest(__m256i v, int m)
{
    const __m256i once = _mm256_sub_epi8(v, _mm256_set1_epi8((char)m));
    const __m256i twice = _mm256_sub_epi8(v, _mm256_set1_epi8((char)(2 * m)));
    return _mm256_min_epu8(_mm256_min_epu8(v, once), twice);
}

INLINE void add_half(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const __m256i modulo_3 = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i v = _mm256_loadu_si256((const __m256i *)w);
    const __m256i by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    const __m256i x[BN_B3R80_DIGITS] = {_mm256_shuffle_epi8(modulo_3, by_9), by_9, by_27, by_81, v};
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
#pragma GCC unroll 5
    for (size_t d = 0; d < BN_B3R80_DIGITS; d++) sum->of[d] = DPBUSD(sum->of[d], x[d], _mm256_set1_epi32(bits));
}

INLINE void panel(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    sums sum[HALVES] = {{{_mm256_setzero_si256()}}};
    for (size_t k = 0; k < cols; k += COLS, w += LINE) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T1);
#pragma GCC unroll 2
        for (size_t h = 0; h < HALVES; h++) add_half(&sum[h], w + BYTES * h, q + k);
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < HALVES; h++) {
        __m256i less = _mm256_setzero_si256();
#pragma GCC unroll 5
        for (size_t d = 0; d < BN_B3R80_DIGITS; d++) {
            const __m256i inverse = _mm256_set1_epi32((int32_t)BN_B3R80_INVERSE[d]);
            const __m256i digit = _mm256_mullo_epi32(_mm256_sub_epi32(sum[h].of[d], less), inverse);
            if (d < groups) _mm256_storeu_si256((__m256i *)(y + BN_B3R80_GROUP * d + ROWS * h), digit);
            less = sum[h].of[d];
        }
    }
}

void bn_gemv_b3r80_avxvnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS, w += bn_b3r80_panel_bytes(cols))
        panel(w, cols, bn_b3r80_groups(rows - i), q, y + i);
}
