/*
 * I2_S products with 256-bit vpdpbusd (AVX-VNNI): 32 products of an unsigned and a signed byte a register, added four
 * by four to 8 int32 lanes. A register of weights is one block, 128 weights of a row in 32 bytes:
 *
 *     bits 7 6  weight j        bits 5 4  weight 32 + j        bits 3 2  weight 64 + j        bits 1 0  weight 96 + j
 *
 * Each group of bits meets 32 neighbouring activations (natural order). Weights are never shifted: masked with 0xC0,
 * 0x30, 0x0C or 0x03 they are 64, 16, 4 or 1 times the code, and so is every lane of their sums, which are shifted back
 * once at the end. Lanes stay below 2^31 up to 2 million columns of extreme activations.
 */
#include <immintrin.h>

#include "formats/i2s.h"
#include "kernels.h"

/*
 * The kernel check compiles this file a second time with BN_EVEX_TWIN, which turns vpdpbusd into its AVX-512VL
 * encoding: the same operation, on machines that have only that one.
 */
#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define bn_gemv_i2s_avxvnni bn_gemv_i2s_avxvnni_twin
#define bn_gemv_rows_i2s_avxvnni bn_gemv_rows_i2s_avxvnni_twin
#define bn_gemm_i2s_avxvnni bn_gemm_i2s_avxvnni_twin
bn_kernel_GEMV bn_gemv_i2s_avxvnni_twin;
bn_kernel_GEMV_ROWS bn_gemv_rows_i2s_avxvnni_twin;
bn_kernel_GEMM bn_gemm_i2s_avxvnni_twin;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#endif

enum {
    AHEAD = 8192,    /* bytes between what a matrix-vector product reads and what it asks for */
    TILE_ROWS = 2,   /* a matrix-matrix product keeps 2 x 5 sums in registers                 */
    TILE_TOKENS = 5,
    BYTES = 32
};

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* ---- one row of activations ---- */

typedef struct groups {
    __m256i sum[4]; /* of the weights in bits 7-6, 5-4, 3-2, 1-0: 64, 16, 4 and 1 times too large */
} groups;

/* 128 weights by 128 activations. */
INLINE void step(groups *g, const uint8_t *restrict w, const int8_t *restrict q)
{
    const __m256i packed = load(w);
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) {
        const __m256i codes = _mm256_and_si256(packed, _mm256_set1_epi8((char)(0xC0 >> 2 * s)));
        g->sum[s] = DPBUSD(g->sum[s], codes, load(q + BYTES * s));
    }
}

INLINE int32_t total(__m256i sum)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

/* Two blocks a turn into sums of their own: eight chains hide the latency of vpdpbusd. `later` is asked for meanwhile. */
INLINE int32_t one_row(const uint8_t *restrict w, const uint8_t *restrict later, size_t blocks,
                       const int8_t *restrict q)
{
    const __m256i zero = _mm256_setzero_si256();
    groups even = {{zero, zero, zero, zero}}, odd = even;
    size_t b = 0;
    for (; b + 2 <= blocks; b += 2) {
        _mm_prefetch((const char *)later + BYTES * b, _MM_HINT_T1);
        step(&even, w + BYTES * b, q + BN_I2S_BLOCK * b);
        step(&odd, w + BYTES * (b + 1), q + BN_I2S_BLOCK * (b + 1));
    }
    if (b < blocks) step(&even, w + BYTES * b, q + BN_I2S_BLOCK * b);
    __m256i sum = _mm256_add_epi32(even.sum[0], odd.sum[0]);
#pragma GCC unroll 3
    for (int s = 1; s < 4; s++)
        sum = _mm256_add_epi32(_mm256_srai_epi32(sum, 2), _mm256_add_epi32(even.sum[s], odd.sum[s]));
    return total(sum);
}

void bn_gemv_i2s_avxvnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                         int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *restrict row = w + i * bn_i2s_row_bytes(cols);
        y[i] = one_row(row, row + AHEAD, cols / BN_I2S_BLOCK, q);
    }
}

/* Each row asks for the chosen row that is about AHEAD chosen bytes on. */
void bn_gemv_rows_i2s_avxvnni(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                              size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), further = AHEAD / row_bytes + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t then = i + further < count + ahead ? i + further : i;
        y[i] = one_row(w + (size_t)rows[i] * row_bytes, w + (size_t)rows[then] * row_bytes, cols / BN_I2S_BLOCK, q);
    }
}

/* ---- several rows of activations ---- */

/*
 * `rows` (1 or 2) weight rows by `tokens` (1 to 5) activation rows, both constants of the instance. The four groups of
 * bits take turns, by Horner's rule over the whole row: ((sum of 0xC0 >> 2) + sum of 0x30 >> 2) + ... The turns ask for
 * the rows of the next tile.
 */
INLINE void tile(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), blocks = cols / BN_I2S_BLOCK;
    __m256i sum[TILE_TOKENS][TILE_ROWS];
#pragma GCC unroll 5
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t r = 0; r < rows; r++) sum[t][r] = _mm256_setzero_si256();

    for (size_t s = 0; s < 4; s++) {
        const __m256i mask = _mm256_set1_epi8((char)(0xC0 >> 2 * s));
        const int8_t *restrict qs = q + BYTES * s;
        const uint8_t *restrict next = w + (rows + s % rows) * row_bytes;
#pragma GCC unroll 5
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
            for (size_t r = 0; r < rows; r++) sum[t][r] = _mm256_srai_epi32(sum[t][r], 2);
        for (size_t b = 0; b < blocks; b++) {
            _mm_prefetch((const char *)next + BYTES * b, _MM_HINT_T0);
            __m256i codes[TILE_ROWS];
#pragma GCC unroll 2
            for (size_t r = 0; r < rows; r++) codes[r] = _mm256_and_si256(mask, load(w + r * row_bytes + BYTES * b));
#pragma GCC unroll 5
            for (size_t t = 0; t < tokens; t++) {
                const __m256i x = load(qs + t * q_stride + BN_I2S_BLOCK * b);
#pragma GCC unroll 2
                for (size_t r = 0; r < rows; r++) sum[t][r] = DPBUSD(sum[t][r], codes[r], x);
            }
        }
    }
#pragma GCC unroll 5
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t r = 0; r < rows; r++) y[t * y_stride + r] = total(sum[t][r]);
}

/* All weight rows by `tokens` activation rows: two at a time, then one. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    size_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        tile(w + i * row_bytes, cols, TILE_ROWS, q, q_stride, tokens, y + i, y_stride);
    for (; i < rows; i++) tile(w + i * row_bytes, cols, 1, q, q_stride, tokens, y + i, y_stride);
}

/* Activation rows in strips of nearly equal height, at most five: 6 are 3 + 3. */
void bn_gemm_i2s_avxvnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
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
        case 4:
            strip(w, cols, rows, q, q_stride, 4, y, y_stride);
            break;
        default:
            strip(w, cols, rows, q, q_stride, 5, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
