/*
 * I2_R16 products with AVX2: vpmaddubsw multiplies 32 unsigned codes by 32 signed activations and adds pairs to 16 int16
 * lanes. A register of weights is half a line, 8 rows by 16 columns in 32 bytes; of each row's four bytes the same two
 * bits are 4 neighbouring columns, which meet one 32-bit piece of the activations, broadcast:
 *
 *     dword        0       1       ...     7
 *     bits 1 0     row 0   row 1           row 7      columns  0 ..  3
 *     bits 3 2                                         columns  4 ..  7
 *     bits 5 4                                         columns  8 .. 11
 *     bits 7 6                                         columns 12 .. 15
 *
 * A pair of products is at most 2 * 2 * 128 = 512 in magnitude, a line's four pairs 2048: eight lines are 16,384, which
 * an int16 holds, and then vpmaddwd adds the two lanes of each row and widens them to int32.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2r16.h"
#include "kernels.h"

enum {
    AHEAD = 2048,    /* bytes between what is read and what is asked for    */
    BATCH = 8,       /* lines that an int16 lane holds                      */
    TILE_TOKENS = 4, /* activation rows that share one unpacking of weights */
    HALVES = 2,
    ROWS = 8, /* of half a line */
    BYTES = 32,
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

typedef struct codes {
    __m256i group[4];
} codes;

INLINE codes unpack(const uint8_t *restrict w)
{
    const __m256i packed = _mm256_loadu_si256((const __m256i *)w), mask = _mm256_set1_epi8(3);
    codes c;
    c.group[0] = _mm256_and_si256(packed, mask);
    c.group[1] = _mm256_and_si256(_mm256_srli_epi16(packed, 2), mask);
    c.group[2] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
    c.group[3] = _mm256_and_si256(_mm256_srli_epi16(packed, 6), mask);
    return c;
}

INLINE __m256i product(__m256i group, const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_maddubs_epi16(group, _mm256_set1_epi32(bits));
}

/* 8 rows by 16 columns, two int16 lanes a row. */
INLINE __m256i half_line(codes c, const int8_t *restrict q)
{
    const __m256i a = _mm256_add_epi16(product(c.group[0], q), product(c.group[1], q + 4));
    const __m256i b = _mm256_add_epi16(product(c.group[2], q + 8), product(c.group[3], q + 12));
    return _mm256_add_epi16(a, b);
}

INLINE __m256i widen(__m256i sum, __m256i narrow)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, _mm256_set1_epi16(1)));
}

/* `halves` (1 or 2) halves of a panel by `tokens` (1 to 4) activation rows, both constants of the instance. */
INLINE void tile(const uint8_t *restrict w, size_t lines, size_t halves, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    __m256i sum[TILE_TOKENS][HALVES], narrow[TILE_TOKENS][HALVES];
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t h = 0; h < halves; h++) sum[t][h] = _mm256_setzero_si256();
    for (size_t first = 0; first < lines; first += BATCH) {
        const size_t last = lines - first < BATCH ? lines : first + BATCH;
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
            for (size_t h = 0; h < halves; h++) narrow[t][h] = _mm256_setzero_si256();
        for (size_t i = first; i < last; i++) {
            _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 2
            for (size_t h = 0; h < halves; h++) {
                const codes c = unpack(w + LINE * i + BYTES * h);
#pragma GCC unroll 4
                for (size_t t = 0; t < tokens; t++)
                    narrow[t][h] = _mm256_add_epi16(narrow[t][h], half_line(c, q + t * q_stride + COLS * i));
            }
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
            for (size_t h = 0; h < halves; h++) sum[t][h] = widen(sum[t][h], narrow[t][h]);
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t h = 0; h < halves; h++)
            _mm256_storeu_si256((__m256i *)(y + t * y_stride + ROWS * h), sum[t][h]);
}

void bn_gemv_i2r16_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                        int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        tile(w, cols / COLS, HALVES, q, 0, 1, y + i, 0);
        w += bn_i2r16_panel_bytes(cols);
    }
}

/* All weight rows by `tokens` activation rows, half a panel at a time: codes and sums fill the registers. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        tile(w, cols / COLS, 1, q, q_stride, tokens, y + i, y_stride);
        tile(w + BYTES, cols / COLS, 1, q, q_stride, tokens, y + i + ROWS, y_stride);
        w += bn_i2r16_panel_bytes(cols);
    }
}

/* Activation rows in strips of nearly equal height, at most four: 5 are 3 + 2. */
void bn_gemm_i2r16_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                        size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t strips = (n + TILE_TOKENS - 1) / TILE_TOKENS; strips > 0; strips--) {
        const size_t tokens = (n + strips - 1) / strips;
        switch (tokens) {
        case 1:
            strip(w, cols, rows, q, q_stride, 1, y, y_stride);
            break;
        case 2:
            strip(w, cols, rows, q, q_stride, 2, y, y_stride);
            break;
        case 3:
            strip(w, cols, rows, q, q_stride, 3, y, y_stride);
            break;
        default:
            strip(w, cols, rows, q, q_stride, 4, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
