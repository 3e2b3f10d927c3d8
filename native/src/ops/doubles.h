/*
 * Sixteen double lanes, for sums of floats that must be rounded only once. The rules of lanes.h hold: no fused
 * multiply-add, element k in lane k % 16, one tree to fold. A product of two floats is exact in double.
 */
#ifndef BN_DOUBLES_H
#define BN_DOUBLES_H

#include "ops/lanes.h"

/* One register, as wide as bn_vf: of vectors that are wider, compilers keep sums in memory. */
typedef double bn_vd __attribute__((vector_size(4 * BN_VECTOR)));
typedef int64_t bn_vl __attribute__((vector_size(4 * BN_VECTOR)));

enum { BN_VECTOR_DOUBLES = BN_VECTOR / 2, BN_DOUBLES_PARTS = BN_LANES / BN_VECTOR_DOUBLES };

typedef struct bn_doubles {
    bn_vd part[BN_DOUBLES_PARTS];
} bn_doubles;

/* The floats of a bn_vd. */
typedef float bn_vf_half __attribute__((vector_size(2 * BN_VECTOR)));

typedef union bn_vf_halves {
    bn_vf whole;
    bn_vf_half half[2];
} bn_vf_halves;

BN_INLINE bn_doubles bn_doubles_all(double value)
{
    bn_doubles r;
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) r.part[p] = (bn_vd){0} + value;
    return r;
}

BN_INLINE bn_doubles bn_doubles_of(bn_lanes a)
{
    bn_doubles r;
    for (int p = 0; p < BN_PARTS; p++) {
        const bn_vf_halves halves = {a.part[p]};
        r.part[2 * p] = __builtin_convertvector(halves.half[0], bn_vd);
        r.part[2 * p + 1] = __builtin_convertvector(halves.half[1], bn_vd);
    }
    return r;
}

BN_INLINE bn_lanes bn_doubles_round(bn_doubles a)
{
    bn_lanes r;
    for (int p = 0; p < BN_PARTS; p++) {
        bn_vf_halves halves;
        halves.half[0] = __builtin_convertvector(a.part[2 * p], bn_vf_half);
        halves.half[1] = __builtin_convertvector(a.part[2 * p + 1], bn_vf_half);
        r.part[p] = halves.whole;
    }
    return r;
}

BN_INLINE bn_doubles bn_doubles_load(const double *x)
{
    bn_doubles r;
    memcpy(&r, x, sizeof r);
    return r;
}

BN_INLINE void bn_doubles_store(double *x, bn_doubles a)
{
    memcpy(x, &a, sizeof a);
}

BN_INLINE bn_doubles bn_doubles_add(bn_doubles a, bn_doubles b)
{
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) a.part[p] += b.part[p];
    return a;
}

BN_INLINE bn_doubles bn_doubles_sub(bn_doubles a, bn_doubles b)
{
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) a.part[p] -= b.part[p];
    return a;
}

BN_INLINE bn_doubles bn_doubles_mul(bn_doubles a, bn_doubles b)
{
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) a.part[p] *= b.part[p];
    return a;
}

BN_INLINE bn_doubles bn_doubles_div(bn_doubles a, bn_doubles b)
{
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) a.part[p] /= b.part[p];
    return a;
}

/* sum + a * b */
BN_INLINE bn_doubles bn_doubles_add_product(bn_doubles sum, bn_doubles a, bn_doubles b)
{
    return bn_doubles_add(sum, bn_doubles_mul(a, b));
}

/* Lanes i + 8, then i + 4, i + 2, i + 1 are added: the tree of bn_lanes_sum. */
BN_INLINE double bn_doubles_sum(bn_doubles a)
{
    for (int half = BN_DOUBLES_PARTS / 2; half > 0; half /= 2)
        for (int p = 0; p < half; p++) a.part[p] += a.part[p + half];
    double x[BN_VECTOR_DOUBLES];
    memcpy(x, &a.part[0], sizeof x);
    for (int half = BN_VECTOR_DOUBLES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) x[i] += x[i + half];
    return x[0];
}

/*
 * exp of x <= 0 within 2 ulp, e^-700 below that, NaN stays. With n = round(x / ln 2), r = x - n ln 2: e^x = 2^n e^r.
 * ln 2 is taken off in two parts, the first exact in a product with n; e^r, |r| <= ln 2 / 2, is its Taylor polynomial
 * of degree 13, whose remainder is below 2^-57.
 */
BN_INLINE bn_doubles bn_doubles_exp(bn_doubles a)
{
    static const double inverse_factorials[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
    };
    bn_doubles result;
    for (int p = 0; p < BN_DOUBLES_PARTS; p++) {
        const bn_vl tiny = a.part[p] < -700.0;
        const bn_vd x = (bn_vd)((~tiny & (bn_vl)a.part[p]) | (tiny & (bn_vl)((bn_vd){0} - 700.0)));
        const bn_vd shifted = x * 0x1.71547652b82fep+0 + 0x1.8p52;
        const bn_vd n = shifted - 0x1.8p52;
        const bn_vd r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
        bn_vd e = (bn_vd){0};
        for (size_t i = 0; i < sizeof inverse_factorials / sizeof *inverse_factorials; i++)
            e = e * r + inverse_factorials[i];
        const bn_vl exponent = (bn_vl)shifted - 0x4338000000000000;
        result.part[p] = e * (bn_vd)((exponent + 1023) << 52);
    }
    return result;
}

#endif
