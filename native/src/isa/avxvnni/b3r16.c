/*
 * B3_R16 products with 256-bit vpdpbusd. A register of weights is half a line, 8 rows by 20 columns. Of a byte the
 * remainders by 81, 27 and 9 are taken one from the other; what goes is a digit times its power of three:
 *
 *     dword        0       1       ...     7
 *     d0           row 0   row 1           row 7      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     d1                                               columns  4 ..  7, meet q[ 4 ..  7]
 *     9 d2                                             columns  8 .. 11, meet q[ 8 .. 11]
 *     27 d3                                            columns 12 .. 15, meet q[12 .. 15]
 *     81 d4                                            columns 16 .. 19, meet q[16 .. 19]
 *
 * and the 8 lanes of the sums are the rows.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r16.h"
#include "kernels.h"

/* The kernel check compiles this file a second time, in the AVX-512VL encoding of the same instruction. */
#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define bn_gemv_b3r16_avxvnni bn_gemv_b3r16_avxvnni_twin
bn_kernel_GEMV bn_gemv_b3r16_avxvnni_twin;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#endif

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    ROWS = 8,     /* of half a line                                                       */
    BYTES = 32,
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

/* Digits times 1, 1, 9, 27 and 81. */
typedef struct digits {
    __m256i of[BN_B3R16_DIGITS];
} digits;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
INLINE __m256i rest(__m256i v, int m)
{
    const __m256i once = _mm256_sub_epi8(v, _mm256_set1_epi8((char)m));
    const __m256i twice = _mm256_sub_epi8(v, _mm256_set1_epi8((char)(2 * m)));
    return _mm256_min_epu8(_mm256_min_epu8(v, once), twice);
}

INLINE digits unpack(const uint8_t *restrict w)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i v = _mm256_loadu_si256((const __m256i *)w);
    const __m256i by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    return (digits){{_mm256_shuffle_epi8(low, by_9), _mm256_shuffle_epi8(high, by_9), _mm256_sub_epi8(by_27, by_9),
                     _mm256_sub_epi8(by_81, by_27), _mm256_sub_epi8(v, by_81)}};
}

/* 1, 1, 9, 27 and 81 times too large, modulo 2^32. */
typedef struct sums {
    __m256i of[BN_B3R16_DIGITS];
} sums;

INLINE void add_half(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const digits d = unpack(w);
#pragma GCC unroll 5
    for (size_t p = 0; p < BN_B3R16_DIGITS; p++) {
        int32_t bits;
        memcpy(&bits, q + 4 * p, sizeof bits);
        sum->of[p] = DPBUSD(sum->of[p], d.of[p], _mm256_set1_epi32(bits));
    }
}

/* A power of three is odd: its inverse modulo 2^32 divides multiples of it exactly, also those that wrapped. */
INLINE __m256i divide(__m256i sum, uint32_t inverse)
{
    return _mm256_mullo_epi32(sum, _mm256_set1_epi32((int32_t)inverse));
}

INLINE __m256i total(const sums *sum)
{
    const __m256i by_9 = divide(sum->of[2], 0x38E38E39), by_27 = divide(sum->of[3], 0x684BDA13);
    const __m256i by_81 = divide(sum->of[4], 0x781948B1);
    const __m256i first = _mm256_add_epi32(sum->of[0], sum->of[1]), second = _mm256_add_epi32(by_9, by_27);
    return _mm256_add_epi32(_mm256_add_epi32(first, second), by_81);
}

INLINE void panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last,
                  int32_t *restrict y)
{
    const size_t whole = cols / COLS;
    sums sum[2] = {{{_mm256_setzero_si256()}}};
    for (size_t i = 0; i < whole; i++) {
        _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T1);
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; h++) add_half(&sum[h], w + LINE * i + BYTES * h, q + COLS * i);
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; h++) {
        if (whole * COLS < cols) add_half(&sum[h], w + LINE * whole + BYTES * h, last);
        _mm256_storeu_si256((__m256i *)(y + ROWS * h), total(&sum[h]));
    }
}

void bn_gemv_b3r16_avxvnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y)
{
    int8_t last[COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += BN_B3R16_ROWS) {
        panel(w, cols, q, last, y + i);
        w += bn_b3r16_panel_bytes(cols);
    }
}
