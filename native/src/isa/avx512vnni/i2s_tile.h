/*
 * What the two matrix-matrix products over I2_S share: blocks, masks, sums across registers, and the tile of 4 x 6 sums
 * that stays in registers. While a tile multiplies, it may look sums up on the side (i2s_tables.h).
 */
#ifndef BN_AVX512VNNI_I2S_TILE_H
#define BN_AVX512VNNI_I2S_TILE_H

#include <immintrin.h>

#include "formats/i2s.h"
#include "i2s_tables.h"

enum {
    AHEAD = 8192,   /* bytes between the weights that are read and those that are asked for */
    TILE_ROWS = 4,  /* a matrix-matrix product keeps 4 x 6 sums in registers                */
    TILE_TOKENS = 6,
    LINE = 64, /* bytes of a register */
    HALF = 32  /* bytes of a block    */
};

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

/* ---- blocks, masks and scales ---- */

/* A block in both halves. */
INLINE __m512i twice(const uint8_t *restrict w)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)w));
}

INLINE __m512i halves(char low, char high)
{
    return _mm512_inserti64x4(_mm512_set1_epi8(low), _mm256_set1_epi8(high), 1);
}

/* The sums of HIGH, 64 | 16 times too large, and those of LOW, 4 | 1 times, as one. */
INLINE __m512i scale_back(__m512i high, __m512i low)
{
    const __m512i fours = _mm512_inserti64x4(_mm512_set1_epi32(2), _mm256_setzero_si256(), 1);
    return _mm512_srav_epi32(_mm512_add_epi32(_mm512_srai_epi32(high, 4), low), fours);
}

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
 * the 32 registers, so the two masks take turns over the whole row, the sums of HIGH becoming as large as those of LOW
 * in between. The tile's weights are read twice, from the first-level cache. Together the turns ask for as many weights
 * to come as the tile has, as far ahead as a stream needs when there are few activation rows. A tile with something on
 * the side (side_rows, a constant too, is not 0) looks up that many rows a block and turn, and asks for nothing.
 */
INLINE void tile(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride, chunk *side, size_t side_rows)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), blocks = cols / BN_I2S_BLOCK;
    const uint8_t *restrict later = w + (rows * row_bytes > AHEAD ? rows * row_bytes : AHEAD);
    chunk cursor = side_rows == 0 ? (chunk){0} : *side;
    __m512i sum[TILE_TOKENS][TILE_ROWS];
#pragma GCC unroll 6
    for (size_t t = 0; t < TILE_TOKENS; t++)
#pragma GCC unroll 4
        for (size_t r = 0; r < TILE_ROWS; r++) sum[t][r] = _mm512_setzero_si512();

    for (size_t turn = 0; turn < 2; turn++) {
        const __m512i mask = turn == 0 ? halves((char)0xC0, 0x30) : halves(0x0C, 0x03);
        const int8_t *restrict qs = q + LINE * turn;
        for (size_t b = 0; b < blocks; b++) {
            if (side_rows != 0 && cursor.sum == cursor.end) {
                bn_i2s_next_chunk_avx512vnni(side);
                cursor = *side;
            }
            if (side_rows == 0)
                _mm_prefetch((const char *)later + (turn * blocks + b) * rows * (HALF / 2), _MM_HINT_T1);
            __m512i codes[TILE_ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++) codes[r] = _mm512_and_si512(mask, twice(w + r * row_bytes + HALF * b));
#pragma GCC unroll 6
            for (size_t t = 0; t < tokens; t++) {
                const __m512i x = _mm512_loadu_si512(qs + t * q_stride + BN_I2S_BLOCK * b);
#pragma GCC unroll 4
                for (size_t r = 0; r < rows; r++) sum[t][r] = add_products(sum[t][r], codes[r], x);
                if (t < side_rows) look_up(&cursor);
            }
        }
#pragma GCC unroll 6
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++)
                sum[t][r] = turn == 0 ? _mm512_srai_epi32(sum[t][r], 4)
                                      : scale_back(_mm512_setzero_si512(), sum[t][r]);
    }

    if (side_rows != 0) *side = cursor;

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

#endif
