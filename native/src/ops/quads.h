/*
 * Four bytes in each of sixteen int32 lanes: exact products of int8 on any CPU, for the float kernels that need some.
 * The lane of a sum is that of its bytes, whatever the width of the vectors.
 */
#ifndef BN_QUADS_H
#define BN_QUADS_H

#include "ops/lanes.h"
#if defined(BN_NEON)
#include "isa/neon/products.h"
#endif

typedef int8_t bn_vq __attribute__((vector_size(4 * BN_VECTOR)));
typedef int16_t bn_vs __attribute__((vector_size(4 * BN_VECTOR)));

typedef struct bn_quads {
    bn_vq part[BN_PARTS];
} bn_quads;

/* ---- one register: what differs between the widths ------------------------------------------------------- */

#if BN_VECTOR == 16

#if defined(__AVX512VNNI__)

BN_INLINE bn_vi bn_vi_add_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    return (bn_vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

enum { BN_EXCESS = 128 };

BN_INLINE bn_vi bn_vi_add_excess_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    return bn_vi_add_quads(sum, a, b);
}

#else

BN_INLINE bn_vi bn_vi_add_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)a, (__m512i)b);
    return sum + (bn_vi)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}

enum { BN_EXCESS = 0 };

/* As with AVX2 below; what vpsignb does there a mask does here. */
BN_INLINE bn_vi bn_vi_add_excess_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const __m512i x = _mm512_xor_si512((__m512i)a, _mm512_set1_epi8(-128));
    const __m512i y = _mm512_mask_sub_epi8((__m512i)b, _mm512_movepi8_mask(x), _mm512_setzero_si512(), (__m512i)b);
    return bn_vi_add_quads(sum, (bn_vq)_mm512_abs_epi8(x), (bn_vq)y);
}

#endif

#elif BN_VECTOR == 8

BN_INLINE bn_vi bn_vi_add_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)a, (__m256i)b);
    return sum + (bn_vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

enum { BN_EXCESS = 0 };

/* |a - 128| b with the sign of a - 128: at most 2 * 127 * 127, which vpmaddubsw does not saturate. */
BN_INLINE bn_vi bn_vi_add_excess_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const __m256i x = _mm256_xor_si256((__m256i)a, _mm256_set1_epi8(-128));
    return bn_vi_add_quads(sum, (bn_vq)_mm256_abs_epi8(x), (bn_vq)_mm256_sign_epi8((__m256i)b, x));
}

#elif defined(BN_NEON)

BN_INLINE bn_vi bn_vi_add_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    return (bn_vi)bn_add_quads((int32x4_t)sum, (int8x16_t)a, (int8x16_t)b);
}

enum { BN_EXCESS = 0 };

BN_INLINE bn_vi bn_vi_add_excess_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    return bn_vi_add_quads(sum, a ^ -128, b);
}

#else

/* The products of bytes as 16-bit integers, even and odd bytes apart; a pair's sum fits one. */
BN_INLINE bn_vi bn_vi_add_pairs(bn_vi sum, bn_vs even, bn_vs odd)
{
    const bn_vi pairs = (bn_vi)(even + odd);
    return sum + (pairs << 16 >> 16) + (pairs >> 16);
}

BN_INLINE bn_vi bn_vi_add_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const bn_vs x = (bn_vs)a, y = (bn_vs)b;
    return bn_vi_add_pairs(sum, (x & 255) * (y << 8 >> 8), (x >> 8 & 255) * (y >> 8));
}

enum { BN_EXCESS = 0 };

BN_INLINE bn_vi bn_vi_add_excess_quads(bn_vi sum, bn_vq a, bn_vq b)
{
    const bn_vs x = (bn_vs)a, y = (bn_vs)b;
    return bn_vi_add_pairs(sum, ((x & 255) - 128) * (y << 8 >> 8), ((x >> 8 & 255) - 128) * (y >> 8));
}

#endif

/* ---- sixteen lanes ----------------------------------------------------------------------------------------- */

BN_INLINE bn_lanes_int bn_lanes_int_all(int32_t value)
{
    bn_lanes_int r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = (bn_vi){0} + value;
    return r;
}

BN_INLINE bn_lanes_int bn_lanes_int_and(bn_lanes_int a, int32_t mask)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] &= mask;
    return a;
}

/* a * 2^by */
BN_INLINE bn_lanes_int bn_lanes_int_left(bn_lanes_int a, int by)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] <<= by;
    return a;
}

/* a / 2^by, rounded down. */
BN_INLINE bn_lanes_int bn_lanes_int_right(bn_lanes_int a, int by)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] >>= by;
    return a;
}

BN_INLINE bn_quads bn_quads_load(const int8_t *x)
{
    bn_quads r;
    for (int p = 0; p < BN_PARTS; p++)
        memcpy(&r.part[p], x + 4 * p * BN_VECTOR, sizeof r.part[p]);
    return r;
}

/* The quads of the first `count` lanes, count < 16; zeros above, and nothing read there. */
BN_INLINE bn_quads bn_quads_load_some(const int8_t *x, size_t count)
{
    int8_t padded[4 * BN_LANES] = {0};
    memcpy(padded, x, 4 * count);
    return bn_quads_load(padded);
}

/* One quad in all lanes. */
BN_INLINE bn_quads bn_quads_all(const int8_t *x)
{
    int32_t quad;
    memcpy(&quad, x, sizeof quad);
    bn_quads r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = (bn_vq)((bn_vi){0} + quad);
    return r;
}

/*
 * sum + the four products of each lane, of a's bytes, 0 .. 127, and b's with a sign. Two neighbouring products must fit
 * an int16 together: AVX2 would saturate their sum.
 */
BN_INLINE bn_lanes_int bn_lanes_add_quads(bn_lanes_int sum, bn_quads a, bn_quads b)
{
    for (int p = 0; p < BN_PARTS; p++)
        sum.part[p] = bn_vi_add_quads(sum.part[p], a.part[p], b.part[p]);
    return sum;
}

/*
 * sum + the four products of each lane, of a's bytes less 128 and b's with a sign, plus BN_EXCESS times the sum of b's
 * bytes. No byte of b is -128.
 */
BN_INLINE bn_lanes_int bn_lanes_add_excess_quads(bn_lanes_int sum, bn_quads a, bn_quads b)
{
    for (int p = 0; p < BN_PARTS; p++)
        sum.part[p] = bn_vi_add_excess_quads(sum.part[p], a.part[p], b.part[p]);
    return sum;
}

#endif
