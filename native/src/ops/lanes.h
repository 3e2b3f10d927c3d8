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

#include "ops/vector.h"

#define BN_LANES_PASTE(name, tier) bn_##name##_##tier
#define BN_LANES_EXPAND(name, tier) BN_LANES_PASTE(name, tier)
#define BN_LANES_NAME(name) BN_LANES_EXPAND(name, BN_TIER)

#define BN_LANES 16
#define BN_PARTS (BN_LANES / BN_VECTOR)

typedef struct bn_lanes {
    bn_vf part[BN_PARTS];
} bn_lanes;

typedef struct bn_lanes_int {
    bn_vi part[BN_PARTS];
} bn_lanes_int;

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
