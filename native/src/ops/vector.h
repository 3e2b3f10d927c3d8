/*
 * One register of floats on any CPU, of 512, 256 or 128 bits by the flags that the file is compiled with: what differs
 * between the widths. Sixteen lanes, whatever the width, are lanes.h.
 */
#ifndef BN_VECTOR_H
#define BN_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define BN_VECTOR 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define BN_VECTOR 8
#elif defined(BN_NEON)
#include <arm_neon.h>
#define BN_VECTOR 4
#else
#define BN_VECTOR 4
#endif

#define BN_INLINE static inline __attribute__((always_inline, unused))

typedef float bn_vf __attribute__((vector_size(4 * BN_VECTOR)));
typedef int32_t bn_vi __attribute__((vector_size(4 * BN_VECTOR)));
typedef uint16_t bn_vh __attribute__((vector_size(2 * BN_VECTOR)));
typedef int8_t bn_vb __attribute__((vector_size(BN_VECTOR)));

#if BN_VECTOR == 16

BN_INLINE bn_vf bn_vf_all(float value) { return (bn_vf)_mm512_set1_ps(value); }
BN_INLINE bn_vf bn_vf_max(bn_vf a, bn_vf b) { return (bn_vf)_mm512_max_ps((__m512)a, (__m512)b); }
BN_INLINE bn_vf bn_vf_min(bn_vf a, bn_vf b) { return (bn_vf)_mm512_min_ps((__m512)a, (__m512)b); }
BN_INLINE bn_vi bn_vi_max(bn_vi a, bn_vi b) { return (bn_vi)_mm512_max_epi32((__m512i)a, (__m512i)b); }

BN_INLINE bn_vf bn_vf_exact_product_less(bn_vf a, bn_vf b, bn_vf c)
{
    return (bn_vf)_mm512_fmsub_ps((__m512)a, (__m512)b, (__m512)c);
}

BN_INLINE bn_vf bn_vf_scale(bn_vf a, bn_vf n)
{
    return (bn_vf)_mm512_scalef_ps((__m512)a, (__m512)n);
}

BN_INLINE bn_vf bn_vf_from_half(bn_vh h)
{
    return (bn_vf)_mm512_cvtph_ps((__m256i)h);
}

BN_INLINE bn_vf bn_vf_from_bf16(bn_vh h)
{
    return (bn_vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
}

BN_INLINE bn_vh bn_vf_to_half(bn_vf f)
{
    return (bn_vh)_mm512_cvtps_ph((__m512)f, _MM_FROUND_TO_NEAREST_INT);
}

BN_INLINE bn_vf bn_vf_from_bytes(bn_vb b)
{
    return (bn_vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32((__m128i)b));
}

BN_INLINE bn_vb bn_vi_to_bytes(bn_vi i)
{
    return (bn_vb)_mm512_cvtepi32_epi8((__m512i)i);
}

#else

/* a * 2^n for whole n, -150 .. 128; in two factors, so that n = 128 and denormal results are right. */
BN_INLINE bn_vf bn_vf_scale(bn_vf a, bn_vf n)
{
    const bn_vi exponent = __builtin_convertvector(n, bn_vi);
    const bn_vi first = exponent >> 1;
    const bn_vi second = exponent - first;
    return a * (bn_vf)((first + 127) << 23) * (bn_vf)((second + 127) << 23);
}

#if BN_VECTOR == 8

BN_INLINE bn_vf bn_vf_all(float value) { return (bn_vf)_mm256_set1_ps(value); }
BN_INLINE bn_vf bn_vf_max(bn_vf a, bn_vf b) { return (bn_vf)_mm256_max_ps((__m256)a, (__m256)b); }
BN_INLINE bn_vf bn_vf_min(bn_vf a, bn_vf b) { return (bn_vf)_mm256_min_ps((__m256)a, (__m256)b); }
BN_INLINE bn_vi bn_vi_max(bn_vi a, bn_vi b) { return (bn_vi)_mm256_max_epi32((__m256i)a, (__m256i)b); }

BN_INLINE bn_vf bn_vf_exact_product_less(bn_vf a, bn_vf b, bn_vf c)
{
    return (bn_vf)_mm256_fmsub_ps((__m256)a, (__m256)b, (__m256)c);
}

BN_INLINE bn_vf bn_vf_from_half(bn_vh h)
{
    return (bn_vf)_mm256_cvtph_ps((__m128i)h);
}

BN_INLINE bn_vf bn_vf_from_bf16(bn_vh h)
{
    return (bn_vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)h), 16);
}

BN_INLINE bn_vh bn_vf_to_half(bn_vf f)
{
    return (bn_vh)_mm256_cvtps_ph((__m256)f, _MM_FROUND_TO_NEAREST_INT);
}

BN_INLINE bn_vf bn_vf_from_bytes(bn_vb b)
{
    int64_t bits;
    memcpy(&bits, &b, sizeof bits);
    return (bn_vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bits)));
}

/* The low bytes of each half's four integers side by side, then the two halves. */
BN_INLINE bn_vb bn_vi_to_bytes(bn_vi i)
{
    const __m256i low_bytes = _mm256_set1_epi32(0x0c080400);
    const __m256i packed = _mm256_shuffle_epi8((__m256i)i, low_bytes);
    const int64_t bits =
        _mm_cvtsi128_si64(_mm_unpacklo_epi32(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1)));
    bn_vb b;
    memcpy(&b, &bits, sizeof b);
    return b;
}

#else

/* The plain statement of each operation, for any target of GCC's or clang's vector extension. */

BN_INLINE bn_vf bn_vf_all(float value)
{
    return (bn_vf){value, value, value, value};
}

BN_INLINE bn_vf bn_vf_exact_product_less(bn_vf a, bn_vf b, bn_vf c)
{
    return a * b - c;
}

BN_INLINE bn_vi bn_vi_select(bn_vi mask, bn_vi yes, bn_vi no)
{
    return (mask & yes) | (~mask & no);
}

/* a where a > b, otherwise b (also where either is NaN): the rule of x86's maxps. */
BN_INLINE bn_vf bn_vf_max(bn_vf a, bn_vf b)
{
    return (bn_vf)bn_vi_select(a > b, (bn_vi)a, (bn_vi)b);
}

/* a where a < b, otherwise b. */
BN_INLINE bn_vf bn_vf_min(bn_vf a, bn_vf b)
{
    return (bn_vf)bn_vi_select(a < b, (bn_vi)a, (bn_vi)b);
}

BN_INLINE bn_vi bn_vi_max(bn_vi a, bn_vi b)
{
    return bn_vi_select(a > b, a, b);
}

BN_INLINE bn_vf bn_vf_from_bf16(bn_vh h)
{
    return (bn_vf)(__builtin_convertvector(h, bn_vi) << 16);
}

#if defined(BN_NEON)

BN_INLINE bn_vf bn_vf_from_half(bn_vh h)
{
    return (bn_vf)vcvt_f32_f16((float16x4_t)h);
}

BN_INLINE bn_vh bn_vf_to_half(bn_vf f)
{
    return (bn_vh)vcvt_f16_f32((float32x4_t)f);
}

#else

/*
 * f16 seeeeemmmmmmmmmm -> f32: its 15 bits moved up by 13 are the value times 2^-112 (f32's bias is 127, f16's 15),
 * also for denormals, so one exact multiplication gives the value. Infinity and NaN get f32's exponent, NaN is quieted.
 */
BN_INLINE bn_vf bn_vf_from_half(bn_vh half)
{
    const bn_vi h = __builtin_convertvector(half, bn_vi);
    const bn_vi sign = (h & 0x8000) << 16;
    const bn_vi magnitude = h & 0x7fff;
    const bn_vi shifted = magnitude << 13;
    const bn_vi finite = (bn_vi)((bn_vf)shifted * 0x1p112f);
    const bn_vi special = shifted | 0x7f800000 | ((magnitude > 0x7c00) & 0x00400000);
    return (bn_vf)(sign | bn_vi_select(magnitude >= 0x7c00, special, finite));
}

/*
 * f32 -> f16, round to nearest even. Normal results: rebias the exponent and add half a unit in the last place, less
 * one when the last kept bit is even. Denormal results: adding 0.5 makes the float adder shift and round.
 */
BN_INLINE bn_vh bn_vf_to_half(bn_vf f)
{
    const bn_vi bits = (bn_vi)f;
    const bn_vi magnitude = bits & 0x7fffffff;
    const bn_vi sign = (bits >> 16) & 0x8000;
    const bn_vi odd = (magnitude >> 13) & 1;
    const bn_vi normal = (magnitude - ((127 - 15) << 23) + 0xfff + odd) >> 13;
    const bn_vi small = (bn_vi)((bn_vf)magnitude + 0.5f) - 0x3f000000;
    const bn_vi nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    bn_vi h = bn_vi_select(magnitude < ((127 - 14) << 23), small, normal);
    h = bn_vi_select(magnitude >= ((127 + 16) << 23), (bn_vi){0} + 0x7c00, h);
    h = bn_vi_select(magnitude > 0x7f800000, nan, h);
    return __builtin_convertvector(h | sign, bn_vh);
}

#endif

/* Each byte four times, as two steps that processors have instructions for; a shift leaves it once, with its sign. */
BN_INLINE bn_vf bn_vf_from_bytes(bn_vb b)
{
    typedef int8_t bytes __attribute__((vector_size(16)));
    typedef int16_t words __attribute__((vector_size(16)));
    int32_t bits;
    memcpy(&bits, &b, sizeof bits);
    bytes x = (bytes)(bn_vi){bits};
    x = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const words twice = (words)x;
    const bn_vi i = (bn_vi)__builtin_shufflevector(twice, twice, 0, 0, 1, 1, 2, 2, 3, 3) >> 24;
    return __builtin_convertvector(i, bn_vf);
}

BN_INLINE bn_vb bn_vi_to_bytes(bn_vi i)
{
    return __builtin_convertvector(i, bn_vb);
}

#endif

#endif

#endif
