/*
 * I2_S products with 512-bit vpdpbusd: 64 products of an unsigned and a signed byte a register, added four by four to
 * 16 int32 lanes. A register of weights is two blocks, 256 weights of a row:
 *
 *     byte      0 .. 31 (block 0)                        32 .. 63 (block 1)
 *     bits 7 6  weight j          meets q vector 0       weight 128 + j
 *     bits 5 4  weight 32 + j     meets q vector 1       weight 160 + j
 *     bits 3 2  weight 64 + j     meets q vector 2       weight 192 + j
 *     bits 1 0  weight 96 + j     meets q vector 3       weight 224 + j
 *
 * with activations in PAIRED_256 order (formats/i2s.h). Weights are never shifted: masked with 0xC0, 0x30, 0x0C or 0x03
 * they are 64, 16, 4 or 1 times the code, and so is every lane of their sums, which are shifted back once at the end.
 * Lanes stay below 2^31 up to 5 million columns. Columns end in half a register when they are an odd number of blocks.
 */
#include <immintrin.h>

#include "formats/i2s.h"
#include "kernels.h"

enum {
    AHEAD = 8192,   /* bytes between the weights that are read and those that are asked for */
    TILE_ROWS = 4,  /* a matrix-matrix product keeps 4 x 6 sums in registers                */
    TILE_TOKENS = 6,
    LINE = 64
};

#define INLINE static inline __attribute__((always_inline))

/* ---- horizontal sums: each fold halves the lanes that belong to one sum and packs two registers into one ---- */

/* per pair of lanes: [x0+x1, y0+y1] */
INLINE __m512i fold_32(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi32(0xAAAA, x, y);
    const __m512i crossed = _mm512_ror_epi64(_mm512_mask_blend_epi32(0x5555, x, y), 32);
    return _mm512_add_epi32(straight, crossed);
}

/* per 128 bits, in 64-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_64(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xAA, x, y);
    const __m512i crossed = _mm512_castpd_si512(_mm512_shuffle_pd(_mm512_castsi512_pd(x), _mm512_castsi512_pd(y), 0x55));
    return _mm512_add_epi32(straight, crossed);
}

/* per 256 bits, in 128-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_128(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xCC, x, y);
    const __m512i other = _mm512_mask_blend_epi64(0x33, x, y);
    return _mm512_add_epi32(straight, _mm512_shuffle_i64x2(other, other, 0xB1));
}

/* in 256-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_256(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xF0, x, y);
    return _mm512_add_epi32(straight, _mm512_shuffle_i64x2(x, y, 0x4E));
}

/* Four sums, still spread over the four 128-bit parts: each part is [a, b, c, d]. */
INLINE __m512i fold_four(__m512i a, __m512i b, __m512i c, __m512i d)
{
    return fold_64(fold_32(a, b), fold_32(c, d));
}

/* The four sums of each of four such registers: [a | b | c | d]. */
INLINE __m512i fold_parts(__m512i a, __m512i b, __m512i c, __m512i d)
{
    return fold_128(fold_256(a, c), fold_256(b, d));
}

/* ---- one row of activations ---- */

typedef struct groups {
    __m512i sum[4]; /* of the weights in bits 7-6, 5-4, 3-2, 1-0: 64, 16, 4 and 1 times too large */
} groups;

/* 256 weights by 256 activations. */
INLINE void step(groups *g, __m512i w, const int8_t *restrict q)
{
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) {
        const __m512i codes = _mm512_and_si512(w, _mm512_set1_epi8((char)(0xC0 >> 2 * s)));
        g->sum[s] = _mm512_dpbusd_epi32(g->sum[s], codes, _mm512_loadu_si512(q + LINE * s));
    }
}

/* The sums of one row in 16 lanes, to be folded. */
INLINE __m512i one_row(const uint8_t *restrict w, size_t cols, const int8_t *restrict q)
{
    groups g = {{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    size_t k = 0;
    for (; k + 256 <= cols; k += 256) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T1);
        step(&g, _mm512_loadu_si512(w), q + k);
        w += LINE;
    }
    if (k < cols) step(&g, _mm512_maskz_loadu_epi64(0x0F, w), q + k);
    __m512i sum = g.sum[0];
    for (int s = 1; s < 4; s++) sum = _mm512_add_epi32(_mm512_srai_epi32(sum, 2), g.sum[s]);
    return sum;
}

/* Rows follow each other in memory: the whole run is one stream, read once, 16 rows between two stores. */
void bn_gemv_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                            int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < rows; i += 16) {
        const size_t count = rows - i < 16 ? rows - i : 16;
        __m512i sum[16];
        for (size_t r = 0; r < count; r++) sum[r] = one_row(w + (i + r) * row_bytes, cols, q);
        for (size_t r = count; r < 16; r++) sum[r] = _mm512_setzero_si512();
        __m512i part[4];
        for (size_t p = 0; p < 4; p++) part[p] = fold_four(sum[4 * p], sum[4 * p + 1], sum[4 * p + 2], sum[4 * p + 3]);
        _mm512_mask_storeu_epi32(y + i, (__mmask16)((1u << count) - 1), fold_parts(part[0], part[1], part[2], part[3]));
    }
}

/* ---- several rows of activations ---- */

/*
 * sum += codes . x. In assembly because the compiler would copy each sum before the instruction overwrites it, and 24
 * sums leave no room for copies.
 */
INLINE __m512i add_products(__m512i sum, __m512i codes, __m512i x)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
    return sum;
}

/* 1 or 4 sums. No masked store: a compiler merges it into vextracti32x4, which faults on lanes that the mask leaves out. */
INLINE void store(int32_t *restrict y, size_t rows, __m128i sums)
{
    if (rows == 1)
        y[0] = _mm_cvtsi128_si32(sums);
    else
        _mm_storeu_si128((__m128i *)y, sums);
}

/*
 * `rows` (1 or 4) weight rows by `tokens` (1 to 6) activation rows, both constants of the instance. The sums need 24 of
 * the 32 registers, so the four groups of bits take turns: Horner's rule over the whole row,
 *     ((sum of 0xC0 >> 2) + sum of 0x30 >> 2) + ...
 * The tile's weights are read four times, from the first-level cache. Each turn asks for one row's worth of weights to
 * come, as far ahead as a stream needs when there are few activation rows.
 */
INLINE void tile(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), whole = cols / 256;
    const size_t ahead = rows * row_bytes > AHEAD ? rows * row_bytes : AHEAD;
    __m512i sum[TILE_TOKENS][TILE_ROWS];
#pragma GCC unroll 6
    for (size_t t = 0; t < TILE_TOKENS; t++)
#pragma GCC unroll 4
        for (size_t r = 0; r < TILE_ROWS; r++) sum[t][r] = _mm512_setzero_si512();

    for (size_t s = 0; s < 4; s++) {
        const __m512i mask = _mm512_set1_epi8((char)(0xC0 >> 2 * s));
        const int8_t *restrict qs = q + LINE * s;
        const uint8_t *restrict later = w + s % rows * row_bytes + ahead;
#pragma GCC unroll 6
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++) sum[t][r] = _mm512_srai_epi32(sum[t][r], 2);

        for (size_t b = 0; b < whole; b++) {
            _mm_prefetch((const char *)later + LINE * b, _MM_HINT_T1);
            __m512i codes[TILE_ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++)
                codes[r] = _mm512_and_si512(mask, _mm512_loadu_si512(w + r * row_bytes + LINE * b));
#pragma GCC unroll 6
            for (size_t t = 0; t < tokens; t++) {
                const __m512i x = _mm512_loadu_si512(qs + t * q_stride + 256 * b);
#pragma GCC unroll 4
                for (size_t r = 0; r < rows; r++) sum[t][r] = add_products(sum[t][r], codes[r], x);
            }
        }
        if (cols % 256 != 0) {
            __m512i codes[TILE_ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++)
                codes[r] = _mm512_and_si512(mask, _mm512_maskz_loadu_epi64(0x0F, w + r * row_bytes + LINE * whole));
#pragma GCC unroll 6
            for (size_t t = 0; t < tokens; t++) {
                const __m512i x = _mm512_loadu_si512(qs + t * q_stride + 256 * whole);
#pragma GCC unroll 4
                for (size_t r = 0; r < rows; r++) sum[t][r] = add_products(sum[t][r], codes[r], x);
            }
        }
    }

    __m512i part[8];
#pragma GCC unroll 8
    for (size_t t = 0; t < 8; t++)
        part[t] = t < tokens ? fold_four(sum[t][0], sum[t][1], sum[t][2], sum[t][3]) : _mm512_setzero_si512();
#pragma GCC unroll 2
    for (size_t t = 0; t < tokens; t += 4) {
        const __m512i all = fold_parts(part[t], part[t + 1], part[t + 2], part[t + 3]);
        store(y + t * y_stride, rows, _mm512_castsi512_si128(all));
        if (t + 1 < tokens) store(y + (t + 1) * y_stride, rows, _mm512_extracti32x4_epi32(all, 1));
        if (t + 2 < tokens) store(y + (t + 2) * y_stride, rows, _mm512_extracti32x4_epi32(all, 2));
        if (t + 3 < tokens) store(y + (t + 3) * y_stride, rows, _mm512_extracti32x4_epi32(all, 3));
    }
}

/* All weight rows by `tokens` activation rows: four at a time, then one at a time. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    size_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        tile(w + i * row_bytes, cols, TILE_ROWS, q, q_stride, tokens, y + i, y_stride);
    for (; i < rows; i++) tile(w + i * row_bytes, cols, 1, q, q_stride, tokens, y + i, y_stride);
}

/* Activation rows in strips of nearly equal height, at most six: 7 are 4 + 3. */
void bn_gemm_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                            size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
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
        case 5:
            strip(w, cols, rows, q, q_stride, 5, y, y_stride);
            break;
        default:
            strip(w, cols, rows, q, q_stride, 6, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
