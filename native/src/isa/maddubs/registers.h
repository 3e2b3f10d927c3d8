/*
 * What the kernels without vpdpbusd are written over: registers of bytes and of 16-bit words, 16 bytes wide (SSSE3), 32
 * (AVX2) or 64 (AVX-512BW), by the flags that the file is compiled with. BN_VECTOR is the dwords of one, BN_PARTS how many
 * make 64 bytes. Additions, masks and shifts are the compiler's own; a byte has no shift of its own, words have.
 */
#ifndef BN_MADDUBS_REGISTERS_H
#define BN_MADDUBS_REGISTERS_H

#include <immintrin.h>

#include "kernels.h"
#include "ops/lanes.h"

enum { BN_BYTES = 4 * BN_VECTOR };

typedef uint8_t bn_bytes __attribute__((vector_size(4 * BN_VECTOR)));
typedef int16_t bn_words __attribute__((vector_size(4 * BN_VECTOR)));
typedef uint16_t bn_unsigned_words __attribute__((vector_size(4 * BN_VECTOR)));

#if BN_VECTOR == 16
typedef __m512i bn_register;
#define BN_MM(name) _mm512_##name
#elif BN_VECTOR == 8
typedef __m256i bn_register;
#define BN_MM(name) _mm256_##name
#else
typedef __m128i bn_register;
#define BN_MM(name) _mm_##name
#endif

/* ---- memory ---- */

BN_INLINE bn_bytes bn_bytes_load(const void *p)
{
    bn_bytes x;
    memcpy(&x, p, sizeof x);
    return x;
}

BN_INLINE bn_words bn_words_load(const void *p)
{
    return (bn_words)bn_bytes_load(p);
}

BN_INLINE bn_vi bn_vi_load(const void *p)
{
    return (bn_vi)bn_bytes_load(p);
}

BN_INLINE void bn_register_store(void *p, bn_register x)
{
    memcpy(p, &x, sizeof x);
}

/* Four activations in each dword. */
BN_INLINE bn_bytes bn_four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return (bn_bytes)BN_MM(set1_epi32)(bits);
}

/* Sixteen bytes in each 128-bit part. */
BN_INLINE bn_bytes bn_sixteen(const uint8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)p);
#if BN_VECTOR == 16
    return (bn_bytes)_mm512_broadcast_i32x4(x);
#elif BN_VECTOR == 8
    return (bn_bytes)_mm256_broadcastsi128_si256(x);
#else
    return (bn_bytes)x;
#endif
}

/* 128-bit part p, a constant. */
#if BN_VECTOR == 16
#define BN_PART(x, p) _mm512_extracti32x4_epi32((bn_register)(x), p)
#elif BN_VECTOR == 8
#define BN_PART(x, p) _mm256_extracti128_si256((bn_register)(x), p)
#else
#define BN_PART(x, p) ((void)(p), (bn_register)(x))
#endif

/* ---- products ---- */

/* Bits shift, shift + 1 of every byte. */
BN_INLINE bn_bytes bn_field(bn_bytes packed, int shift)
{
    return (bn_bytes)((bn_unsigned_words)packed >> shift) & 3;
}

/* Two neighbouring products of codes and activations, which must fit an int16 together: they would saturate. */
BN_INLINE bn_words bn_products(bn_bytes codes, bn_bytes q)
{
    return (bn_words)BN_MM(maddubs_epi16)((bn_register)codes, (bn_register)q);
}

/* sum + two neighbouring words. */
BN_INLINE bn_vi bn_widen(bn_vi sum, bn_words narrow)
{
    return sum + (bn_vi)BN_MM(madd_epi16)((bn_register)narrow, BN_MM(set1_epi16)(1));
}

/* Entries of a table of sixteen, the same in each 128-bit part. */
BN_INLINE bn_bytes bn_look_up(bn_bytes table, bn_bytes index)
{
    return (bn_bytes)BN_MM(shuffle_epi8)((bn_register)table, (bn_register)index);
}

/* y[0 .. 8) += */
BN_INLINE void bn_add_eight(int32_t *restrict y, __m128i narrow)
{
#if BN_VECTOR >= 8
    const __m256i before = _mm256_loadu_si256((const __m256i *)y);
    _mm256_storeu_si256((__m256i *)y, _mm256_add_epi32(before, _mm256_cvtepi16_epi32(narrow)));
#else
    __m128i *at = (__m128i *)y;
    const __m128i low = _mm_srai_epi32(_mm_unpacklo_epi16(narrow, narrow), 16);
    const __m128i high = _mm_srai_epi32(_mm_unpackhi_epi16(narrow, narrow), 16);
    _mm_storeu_si128(at, _mm_add_epi32(_mm_loadu_si128(at), low));
    _mm_storeu_si128(at + 1, _mm_add_epi32(_mm_loadu_si128(at + 1), high));
#endif
}

#endif
