/*
 * I2_S products with AVX2: vpmaddubsw multiplies 32 unsigned codes by 32 signed activations and adds pairs to 16 int16
 * lanes. A register of weights is one block, 128 weights of a row in 32 bytes:
 *
 *     bits 7 6  weight j        bits 5 4  weight 32 + j        bits 3 2  weight 64 + j        bits 1 0  weight 96 + j
 *
 * shifted and masked into four registers of codes that meet 32 neighbouring activations each (natural order).
 * A pair of products is at most 2 * 2 * 128 = 512 in magnitude, the four groups together 2048: eight blocks are 16,384,
 * which an int16 holds, and then vpmaddwd widens them to int32. Nothing saturates, whatever the weights.
 */
#include <immintrin.h>

#include "formats/i2s.h"
#include "kernels.h"

enum {
    AHEAD = 2048,     /* bytes between what is read and what is asked for    */
    BATCH = 8,        /* blocks that an int16 lane holds                     */
    TILE_TOKENS = 4,  /* activation rows that share one unpacking of weights */
    BYTES = 32
};

#define INLINE static inline __attribute__((always_inline))

typedef struct codes {
    __m256i group[4];
} codes;

INLINE codes unpack(const uint8_t *restrict w)
{
    const __m256i packed = _mm256_loadu_si256((const __m256i *)w), mask = _mm256_set1_epi8(3);
    codes c;
    c.group[0] = _mm256_and_si256(_mm256_srli_epi16(packed, 6), mask);
    c.group[1] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
    c.group[2] = _mm256_and_si256(_mm256_srli_epi16(packed, 2), mask);
    c.group[3] = _mm256_and_si256(packed, mask);
    return c;
}

INLINE __m256i product(__m256i group, const int8_t *restrict q)
{
    return _mm256_maddubs_epi16(group, _mm256_loadu_si256((const __m256i *)q));
}

/* 128 weights by 128 activations, in 16 int16 lanes. */
INLINE __m256i block(codes c, const int8_t *restrict q)
{
    const __m256i a = _mm256_add_epi16(product(c.group[0], q), product(c.group[1], q + BYTES));
    const __m256i b = _mm256_add_epi16(product(c.group[2], q + 2 * BYTES), product(c.group[3], q + 3 * BYTES));
    return _mm256_add_epi16(a, b);
}

INLINE __m256i widen(__m256i sum, __m256i narrow)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, _mm256_set1_epi16(1)));
}

INLINE int32_t total(__m256i sum)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

/* One weight row by `tokens` (a constant of the instance, 1 to 4) activation rows; as many bytes at `later` are asked for. */
INLINE void one_row(const uint8_t *restrict w, const uint8_t *restrict later, size_t blocks, const int8_t *restrict q,
                    size_t q_stride, size_t tokens, int32_t *restrict y, size_t y_stride)
{
    __m256i sum[TILE_TOKENS];
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++) sum[t] = _mm256_setzero_si256();
    for (size_t b = 0; b < blocks; b += BATCH) {
        const size_t last = blocks - b < BATCH ? blocks : b + BATCH;
        __m256i narrow[TILE_TOKENS];
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++) narrow[t] = _mm256_setzero_si256();
        for (size_t i = b; i < last; i++) {
            _mm_prefetch((const char *)later + BYTES * i, _MM_HINT_T0);
            const codes c = unpack(w + BYTES * i);
#pragma GCC unroll 4
            for (size_t t = 0; t < tokens; t++)
                narrow[t] = _mm256_add_epi16(narrow[t], block(c, q + t * q_stride + BN_I2S_BLOCK * i));
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++) sum[t] = widen(sum[t], narrow[t]);
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++) y[t * y_stride] = total(sum[t]);
}

INLINE void all_rows(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                     size_t tokens, int32_t *restrict y, size_t y_stride)
{
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *restrict row = w + i * bn_i2s_row_bytes(cols);
        one_row(row, row + AHEAD, cols / BN_I2S_BLOCK, q, q_stride, tokens, y + i, y_stride);
    }
}

void bn_gemv_i2s_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                      int32_t *restrict y)
{
    all_rows(w, cols, rows, q, 0, 1, y, 0);
}

/* Each row asks for the chosen row that is about AHEAD chosen bytes on. */
void bn_gemv_rows_i2s_avx2(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                           size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), further = AHEAD / row_bytes + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t then = i + further < count + ahead ? i + further : i;
        one_row(w + (size_t)rows[i] * row_bytes, w + (size_t)rows[then] * row_bytes, cols / BN_I2S_BLOCK, q, 0, 1, y + i, 0);
    }
}

void bn_gemm_i2s_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                      size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t strips = (n + TILE_TOKENS - 1) / TILE_TOKENS; strips > 0; strips--) {
        const size_t tokens = (n + strips - 1) / strips;
        switch (tokens) {
        case 1:
            all_rows(w, cols, rows, q, q_stride, 1, y, y_stride);
            break;
        case 2:
            all_rows(w, cols, rows, q, q_stride, 2, y, y_stride);
            break;
        case 3:
            all_rows(w, cols, rows, q, q_stride, 3, y, y_stride);
            break;
        default:
            all_rows(w, cols, rows, q, q_stride, 4, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
