/*
 * The dwords of some rows, as many as a register has lanes, as one vector: what packing and unpacking of ternary formats
 * are written over, once for every width.
 */
#ifndef BN_DWORDS_H
#define BN_DWORDS_H

#include "ops/lanes.h"

typedef uint32_t bn_dwords __attribute__((vector_size(4 * BN_VECTOR)));

BN_INLINE bn_dwords bn_dwords_load(const void *p)
{
    bn_dwords x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* As many bytes, each as a dword. */
BN_INLINE bn_dwords bn_dwords_from_bytes(const uint8_t *p)
{
#if BN_VECTOR == 16
    return (bn_dwords)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif BN_VECTOR == 8
    return (bn_dwords)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
    return (bn_dwords){p[0], p[1], p[2], p[3]};
#endif
}

/* In every 128-bit part p of a and b: elements i, j, k, l of [a part | b part]. */
#define BN_DWORDS_AT(i, p) ((i) < 4 ? (i) + 4 * (p) : (i) - 4 + BN_VECTOR + 4 * (p))
#define BN_DWORDS_PART(p, i, j, k, l) BN_DWORDS_AT(i, p), BN_DWORDS_AT(j, p), BN_DWORDS_AT(k, p), BN_DWORDS_AT(l, p)
#if BN_VECTOR == 16
#define BN_DWORDS_SHUFFLE(a, b, ...)                                                                             \
    __builtin_shufflevector(a, b, BN_DWORDS_PARTS(0, __VA_ARGS__), BN_DWORDS_PARTS(1, __VA_ARGS__),               \
                            BN_DWORDS_PARTS(2, __VA_ARGS__), BN_DWORDS_PARTS(3, __VA_ARGS__))
#elif BN_VECTOR == 8
#define BN_DWORDS_SHUFFLE(a, b, ...) \
    __builtin_shufflevector(a, b, BN_DWORDS_PARTS(0, __VA_ARGS__), BN_DWORDS_PARTS(1, __VA_ARGS__))
#else
#define BN_DWORDS_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, BN_DWORDS_PARTS(0, __VA_ARGS__))
#endif
#define BN_DWORDS_PARTS(p, ...) BN_DWORDS_PART(p, __VA_ARGS__)

/* Element j of part p of x[i] <-> element i of part p of x[j]. */
BN_INLINE void bn_dwords_transpose(bn_dwords x[4])
{
    const bn_dwords low[2] = {BN_DWORDS_SHUFFLE(x[0], x[1], 0, 4, 1, 5), BN_DWORDS_SHUFFLE(x[2], x[3], 0, 4, 1, 5)};
    const bn_dwords high[2] = {BN_DWORDS_SHUFFLE(x[0], x[1], 2, 6, 3, 7), BN_DWORDS_SHUFFLE(x[2], x[3], 2, 6, 3, 7)};
    x[0] = BN_DWORDS_SHUFFLE(low[0], low[1], 0, 1, 4, 5);
    x[1] = BN_DWORDS_SHUFFLE(low[0], low[1], 2, 3, 6, 7);
    x[2] = BN_DWORDS_SHUFFLE(high[0], high[1], 0, 1, 4, 5);
    x[3] = BN_DWORDS_SHUFFLE(high[0], high[1], 2, 3, 6, 7);
}

/* x[d] = dwords d, 0 .. 3, of rows that are `stride` bytes apart. */
BN_INLINE void bn_dwords_from_rows(const uint8_t *restrict rows, size_t stride, bn_dwords x[4])
{
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *row = rows + i * stride;
#if BN_VECTOR == 16
        __m512i four = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)row));
        four = _mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(row + 4 * stride)), 1);
        four = _mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(row + 8 * stride)), 2);
        x[i] = (bn_dwords)_mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(row + 12 * stride)), 3);
#elif BN_VECTOR == 8
        x[i] = (bn_dwords)_mm256_loadu2_m128i((const __m128i *)(row + 4 * stride), (const __m128i *)row);
#else
        x[i] = bn_dwords_load(row);
#endif
    }
    bn_dwords_transpose(x);
}

/* The other way. */
BN_INLINE void bn_dwords_to_rows(bn_dwords x[4], uint8_t *restrict rows, size_t stride)
{
    bn_dwords_transpose(x);
    for (size_t i = 0; i < 4; i++)
        for (size_t p = 0; p < BN_VECTOR / 4; p++)
            memcpy(rows + (4 * p + i) * stride, (const uint8_t *)&x[i] + 16 * p, 16);
}

#endif
