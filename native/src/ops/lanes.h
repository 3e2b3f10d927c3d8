/*
 * Sixteen float lanes on any CPU: what every float kernel is written over, so that every ISA computes the same bits.
 *
 * A bn_lanes is one 512-bit register, two of 256 or four of 128 bits, by the flags that the file is compiled with;
 * lane i is element i in memory whatever the width. The rules that keep the bits equal:
 *   - a product is rounded before it is added: no fused multiply-add (the files are compiled with -ffp-contract=off), but
 *     where the product is exact (bn_lanes_exact_product_less) and fusing changes nothing;
 *   - a sum over many elements is kept in lanes, element k in lane k % 16, and folded by bn_lanes_sum's tree at the end;
 *   - conversions round to nearest even and treat infinities, NaN and denormals as IEEE 754 does.
 *
 * The files in lanes/ include this header and are compiled once a tier, with -DBN_TIER=scalar, avx2 and so on;
 * BN_LANES_NAME(rms_norm) is then bn_rms_norm_scalar and so on.
 */
#ifndef BN_LANES_H
#define BN_LANES_H

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

#define BN_LANES_PASTE(name, tier) bn_##name##_##tier
#define BN_LANES_EXPAND(name, tier) BN_LANES_PASTE(name, tier)
#define BN_LANES_NAME(name) BN_LANES_EXPAND(name, BN_TIER)

#define BN_LANES 16
#define BN_PARTS (BN_LANES / BN_VECTOR)
#define BN_INLINE static inline __attribute__((always_inline, unused))

typedef float bn_vf __attribute__((vector_size(4 * BN_VECTOR)));
typedef int32_t bn_vi __attribute__((vector_size(4 * BN_VECTOR)));
typedef uint16_t bn_vh __attribute__((vector_size(2 * BN_VECTOR)));
typedef int8_t bn_vb __attribute__((vector_size(BN_VECTOR)));

typedef struct bn_lanes {
    bn_vf part[BN_PARTS];
} bn_lanes;

typedef struct bn_lanes_int {
    bn_vi part[BN_PARTS];
} bn_lanes_int;

/* ---- one register: what differs between the widths ------------------------------------------------------- */

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

/* ---- sixteen lanes ----------------------------------------------------------------------------------------- */

BN_INLINE bn_lanes bn_lanes_all(float value)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = bn_vf_all(value);
    return r;
}

/*
 * The float at x in all lanes. As an integer in 512 bits: Zen 4 spreads one of those every half cycle and a float every
 * cycle, in pipes that additions need.
 */
BN_INLINE bn_lanes bn_lanes_load_all(const float *x)
{
#if BN_VECTOR == 16
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return (bn_lanes){{(bn_vf)_mm512_set1_epi32(bits)}};
#else
    return bn_lanes_all(*x);
#endif
}

BN_INLINE bn_lanes bn_lanes_load(const float *x)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++)
        memcpy(&r.part[p], x + p * BN_VECTOR, sizeof r.part[p]);
    return r;
}

BN_INLINE void bn_lanes_store(float *x, bn_lanes a)
{
    for (int p = 0; p < BN_PARTS; p++)
        memcpy(x + p * BN_VECTOR, &a.part[p], sizeof a.part[p]);
}

/* Past the caches, where there is an instruction for it. x is aligned to 64 bytes. */
BN_INLINE void bn_lanes_stream(float *x, bn_lanes a)
{
#if BN_VECTOR == 16
    _mm512_stream_ps(x, (__m512)a.part[0]);
#elif BN_VECTOR == 8
    for (int p = 0; p < BN_PARTS; p++) _mm256_stream_ps(x + p * BN_VECTOR, (__m256)a.part[p]);
#else
    bn_lanes_store(x, a);
#endif
}

/* The first `count` lanes, count < 16; zeros above, and nothing read there. */
BN_INLINE bn_lanes bn_lanes_load_some(const float *x, size_t count)
{
    float padded[BN_LANES] = {0};
    memcpy(padded, x, count * sizeof *x);
    return bn_lanes_load(padded);
}

BN_INLINE void bn_lanes_store_some(float *x, bn_lanes a, size_t count)
{
    float padded[BN_LANES];
    bn_lanes_store(padded, a);
    memcpy(x, padded, count * sizeof *x);
}

/* The value of an f16. */
BN_INLINE float bn_half_value(uint16_t half)
{
#if BN_VECTOR > 4
    return _cvtsh_ss(half);
#else
    return bn_vf_from_half((bn_vh){half})[0];
#endif
}

BN_INLINE bn_lanes bn_lanes_load_half(const uint16_t *x)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vh h;
        memcpy(&h, x + p * BN_VECTOR, sizeof h);
        r.part[p] = bn_vf_from_half(h);
    }
    return r;
}

/* 16 BF16: the upper halves of floats. */
BN_INLINE bn_lanes bn_lanes_load_bf16(const uint16_t *x)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vh h;
        memcpy(&h, x + p * BN_VECTOR, sizeof h);
        r.part[p] = bn_vf_from_bf16(h);
    }
    return r;
}

BN_INLINE bn_lanes bn_lanes_load_half_some(const uint16_t *x, size_t count)
{
    uint16_t padded[BN_LANES] = {0};
    memcpy(padded, x, count * sizeof *x);
    return bn_lanes_load_half(padded);
}

BN_INLINE void bn_lanes_store_half(uint16_t *x, bn_lanes a)
{
    for (int p = 0; p < BN_PARTS; p++) {
        const bn_vh h = bn_vf_to_half(a.part[p]);
        memcpy(x + p * BN_VECTOR, &h, sizeof h);
    }
}

BN_INLINE bn_lanes bn_lanes_load_bytes(const int8_t *x)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vb b;
        memcpy(&b, x + p * BN_VECTOR, sizeof b);
        r.part[p] = bn_vf_from_bytes(b);
    }
    return r;
}

BN_INLINE void bn_lanes_store_bytes(int8_t *x, bn_lanes_int a)
{
    for (int p = 0; p < BN_PARTS; p++) {
        const bn_vb b = bn_vi_to_bytes(a.part[p]);
        memcpy(x + p * BN_VECTOR, &b, sizeof b);
    }
}

BN_INLINE bn_lanes bn_lanes_add(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] += b.part[p];
    return a;
}

BN_INLINE bn_lanes bn_lanes_sub(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] -= b.part[p];
    return a;
}

BN_INLINE bn_lanes bn_lanes_mul(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] *= b.part[p];
    return a;
}

BN_INLINE bn_lanes bn_lanes_div(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] /= b.part[p];
    return a;
}

/* sum + a * b, the product rounded first. */
BN_INLINE bn_lanes bn_lanes_add_product(bn_lanes sum, bn_lanes a, bn_lanes b)
{
    return bn_lanes_add(sum, bn_lanes_mul(a, b));
}

/* a * b - c where a * b is exact, so that the difference is rounded once whether the two are fused or not. */
BN_INLINE bn_lanes bn_lanes_exact_product_less(bn_lanes a, bn_lanes b, bn_lanes c)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] = bn_vf_exact_product_less(a.part[p], b.part[p], c.part[p]);
    return a;
}

/* a where a > b, otherwise b: a NaN in b stays, one in a goes. */
BN_INLINE bn_lanes bn_lanes_max(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] = bn_vf_max(a.part[p], b.part[p]);
    return a;
}

/* a where a < b, otherwise b. */
BN_INLINE bn_lanes bn_lanes_min(bn_lanes a, bn_lanes b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] = bn_vf_min(a.part[p], b.part[p]);
    return a;
}

/* Lanes below `count` as they are, the others `filler`. */
BN_INLINE bn_lanes bn_lanes_keep(bn_lanes a, size_t count, float filler)
{
    static const int32_t lane[BN_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vi number;
        memcpy(&number, lane + p * BN_VECTOR, sizeof number);
        const bn_vi kept = number < (int32_t)count;
        a.part[p] = (bn_vf)((kept & (bn_vi)a.part[p]) | (~kept & (bn_vi)bn_vf_all(filler)));
    }
    return a;
}

/* The lanes of one register turned left by `by`: lane 0 then holds lane `by`. */
#if BN_VECTOR == 16
#define BN_TURNED(a, by)                                                                                             \
    __builtin_shufflevector(a, a, (by), 1 + (by), 2 + (by), 3 + (by), 4 + (by), 5 + (by), 6 + (by), 7 + (by),         \
                            8 + (by), 9 + (by), 10 + (by), 11 + (by), 12 + (by), 13 + (by), 14 + (by), 15 + (by))
#elif BN_VECTOR == 8
#define BN_TURNED(a, by) \
    __builtin_shufflevector(a, a, (by), 1 + (by), 2 + (by), 3 + (by), 4 + (by), 5 + (by), 6 + (by), 7 + (by))
#else
#define BN_TURNED(a, by) __builtin_shufflevector(a, a, (by), 1 + (by), 2 + (by), 3 + (by))
#endif

/* Lanes i + 8, then i + 4, i + 2, i + 1 are added: always this tree. */
BN_INLINE float bn_lanes_sum(bn_lanes a)
{
    for (int half = BN_PARTS / 2; half > 0; half /= 2)
        for (int p = 0; p < half; p++)
            a.part[p] += a.part[p + half];
    bn_vf v = a.part[0];
#if BN_VECTOR >= 16
    v += BN_TURNED(v, 8);
#endif
#if BN_VECTOR >= 8
    v += BN_TURNED(v, 4);
#endif
    v += BN_TURNED(v, 2);
    v += BN_TURNED(v, 1);
    return v[0];
}

/* The largest lane by the same tree; what a NaN does is bn_lanes_max's rule. */
BN_INLINE float bn_lanes_largest(bn_lanes a)
{
    for (int half = BN_PARTS / 2; half > 0; half /= 2)
        for (int p = 0; p < half; p++)
            a.part[p] = bn_vf_max(a.part[p], a.part[p + half]);
    bn_vf v = a.part[0];
#if BN_VECTOR >= 16
    v = bn_vf_max(v, BN_TURNED(v, 8));
#endif
#if BN_VECTOR >= 8
    v = bn_vf_max(v, BN_TURNED(v, 4));
#endif
    v = bn_vf_max(v, BN_TURNED(v, 2));
    v = bn_vf_max(v, BN_TURNED(v, 1));
    return v[0];
}

/* ---- integers ---- */

BN_INLINE bn_lanes_int bn_lanes_int_zero(void)
{
    bn_lanes_int r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = (bn_vi){0};
    return r;
}

BN_INLINE bn_lanes_int bn_lanes_int_add(bn_lanes_int a, bn_lanes_int b)
{
    for (int p = 0; p < BN_PARTS; p++)
        a.part[p] += b.part[p];
    return a;
}

BN_INLINE bn_lanes bn_lanes_from_int(bn_lanes_int a)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = __builtin_convertvector(a.part[p], bn_vf);
    return r;
}

BN_INLINE int32_t bn_lanes_int_sum(bn_lanes_int a)
{
    int32_t x[BN_LANES], sum = 0;
    memcpy(x, &a, sizeof x);
    for (int i = 0; i < BN_LANES; i++)
        sum += x[i];
    return sum;
}

/*
 * The largest |lane| so far, kept as bits: without its sign a float orders like its bits as an integer, with
 * infinity above every number and NaN above infinity, so that neither can get lost.
 */
BN_INLINE bn_lanes_int bn_lanes_absmax(bn_lanes_int so_far, bn_lanes a)
{
    for (int p = 0; p < BN_PARTS; p++)
        so_far.part[p] = bn_vi_max(so_far.part[p], (bn_vi)a.part[p] & 0x7fffffff);
    return so_far;
}

BN_INLINE float bn_lanes_absmax_of(bn_lanes_int bits)
{
    int32_t x[BN_LANES], largest = 0;
    float result;
    memcpy(x, &bits, sizeof x);
    for (int i = 0; i < BN_LANES; i++)
        largest = x[i] > largest ? x[i] : largest;
    memcpy(&result, &largest, sizeof result);
    return result;
}

/*
 * Rounds half to even, |a| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction, so the adder rounds, and the
 * integer stands in the low bits.
 */
BN_INLINE bn_lanes_int bn_lanes_round(bn_lanes a)
{
    bn_lanes_int r;
    for (int p = 0; p < BN_PARTS; p++)
        r.part[p] = (bn_vi)(a.part[p] + 0x1.8p23f) - 0x4b400000;
    return r;
}

/*
 * exp, within 2 ulp; 0 below -104, infinity above 88.73, NaN stays. With n = round(x / ln 2), r = x - n ln 2:
 * e^x = 2^n e^r. ln 2 is taken off in two parts, the first exact in a product with n; e^r, |r| <= ln 2 / 2, is the
 * polynomial of Cephes' expf (S. Moshier).
 */
BN_INLINE bn_lanes bn_lanes_exp(bn_lanes a)
{
    bn_lanes result;
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vf x = bn_vf_max(bn_vf_all(-104.0f), a.part[p]);
        x = bn_vf_min(bn_vf_all(89.0f), x);
        const bn_vf n = x * 0x1.715476p+0f + 0x1.8p23f - 0x1.8p23f;
        bn_vf r = x - n * 0.693359375f;
        r = r - n * -2.12194440e-4f;
        bn_vf e = r * 1.9875691500e-4f + 1.3981999507e-3f;
        e = e * r + 8.3334519073e-3f;
        e = e * r + 4.1665795894e-2f;
        e = e * r + 1.6666665459e-1f;
        e = e * r + 5.0000001201e-1f;
        e = e * (r * r) + r + 1.0f;
        result.part[p] = bn_vf_scale(e, n);
    }
    return result;
}

BN_INLINE float bn_lanes_first(bn_lanes a)
{
    return a.part[0][0];
}

#endif
