/*
 * B3_R16 products with 512-bit vpdpbusd. A register of weights is one line, 16 rows by 20 columns. Of a byte the
 * remainders by 81, 27 and 9 are taken one from the other; what goes is a digit times its power of three:
 *
 *     dword        0       1       ...     15
 *     d0           row 0   row 1           row 15      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     d1                                                columns  4 ..  7, meet q[ 4 ..  7]
 *     9 d2                                              columns  8 .. 11, meet q[ 8 .. 11]
 *     27 d3                                             columns 12 .. 15, meet q[12 .. 15]
 *     81 d4                                             columns 16 .. 19, meet q[16 .. 19]
 *
 * and the 16 lanes of the sums are the rows.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r16.h"
#include "kernels.h"

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    ROWS = BN_B3R16_ROWS,
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

/* 4 activations in each lane. */
INLINE __m512i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm512_set1_epi32(bits);
}

/* Digits times 1, 1, 9, 27 and 81. */
typedef struct digits {
    __m512i of[BN_B3R16_DIGITS];
} digits;

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
INLINE __m512i rest(__m512i v, int m)
{
    const __m512i once = _mm512_sub_epi8(v, _mm512_set1_epi8((char)m));
    const __m512i twice = _mm512_sub_epi8(v, _mm512_set1_epi8((char)(2 * m)));
    return _mm512_min_epu8(_mm512_min_epu8(v, once), twice);
}

INLINE digits unpack(const uint8_t *restrict w)
{
    const __m512i low = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m512i v = _mm512_loadu_si512(w), by_81 = rest(v, 81), by_27 = rest(by_81, 27), by_9 = rest(by_27, 9);
    return (digits){{_mm512_shuffle_epi8(low, by_9), _mm512_shuffle_epi8(high, by_9), _mm512_sub_epi8(by_27, by_9),
                     _mm512_sub_epi8(by_81, by_27), _mm512_sub_epi8(v, by_81)}};
}

typedef struct sums {
    __m512i of[BN_B3R16_DIGITS]; /* 1, 1, 9, 27 and 81 times too large, modulo 2^32 */
} sums;

INLINE void add_line(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const digits d = unpack(w);
#pragma GCC unroll 5
    for (size_t p = 0; p < BN_B3R16_DIGITS; p++)
        sum->of[p] = _mm512_dpbusd_epi32(sum->of[p], d.of[p], four(q + 4 * p));
}

/* A power of three is odd: its inverse modulo 2^32 divides multiples of it exactly, also those that wrapped. */
INLINE __m512i divide(__m512i sum, uint32_t inverse)
{
    return _mm512_mullo_epi32(sum, _mm512_set1_epi32((int32_t)inverse));
}

INLINE __m512i total(const sums *sum)
{
    const __m512i by_9 = divide(sum->of[2], 0x38E38E39), by_27 = divide(sum->of[3], 0x684BDA13);
    const __m512i by_81 = divide(sum->of[4], 0x781948B1);
    const __m512i first = _mm512_add_epi32(sum->of[0], sum->of[1]), second = _mm512_add_epi32(by_9, by_27);
    return _mm512_add_epi32(_mm512_add_epi32(first, second), by_81);
}

INLINE __m512i panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last)
{
    const size_t whole = cols / COLS;
    sums sum = {0};
    for (size_t i = 0; i < whole; i++) {
        _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T1);
        add_line(&sum, w + LINE * i, q + COLS * i);
    }
    if (whole * COLS < cols) add_line(&sum, w + LINE * whole, last);
    return total(&sum);
}

void bn_gemv_b3r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                              int32_t *restrict y)
{
    int8_t last[COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += ROWS) {
        _mm512_storeu_si512(y + i, panel(w, cols, q, last));
        w += bn_b3r16_panel_bytes(cols);
    }
}
