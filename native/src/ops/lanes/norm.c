/* One row of RMS norm, gating and absmax quantisation. */
#include <float.h>
#include <math.h>

#include "kernels.h"
#include "ops/doubles.h"

/*
 * sqrt(mean(x^2) + eps), rounded once: the squares are added in double. A quantised value often lies on a half, where
 * the last bit decides. NaN where the sum of squares leaves float's range, so that the row cannot pass as zeros.
 * The weights, of which a token finds none in a cache, are asked for meanwhile.
 */
static float rms_of(const float *x, size_t cols, const float *weight, float eps)
{
    bn_doubles squares = bn_doubles_all(0);
    size_t k = 0;
    for (; k + BN_LANES <= cols; k += BN_LANES) {
        __builtin_prefetch(weight + k);
        const bn_doubles v = bn_doubles_of(bn_lanes_load(x + k));
        squares = bn_doubles_add_product(squares, v, v);
    }
    if (k < cols) {
        const bn_doubles v = bn_doubles_of(bn_lanes_load_some(x + k, cols - k));
        squares = bn_doubles_add_product(squares, v, v);
    }
    const double sum = bn_doubles_sum(squares);
    return sum <= (double)FLT_MAX ? (float)sqrt(sum / (double)cols + (double)eps) : NAN;
}

/*
 * (x / rms) * weight, in this order: dividing is the definition's own; with x * (1 / rms) the halves of quantisation fall
 * another way than in training.
 */
BN_INLINE bn_lanes normed(bn_lanes x, bn_lanes rms, bn_lanes weight)
{
    return bn_lanes_mul(bn_lanes_div(x, rms), weight);
}

BN_INLINE void rms_norm(const float *x, size_t cols, const float *weight, float eps, int accumulate, float *y)
{
    const bn_lanes rms = bn_lanes_all(rms_of(x, cols, weight, eps));
    size_t k = 0;
    for (; k + BN_LANES <= cols; k += BN_LANES) {
        const bn_lanes h = normed(bn_lanes_load(x + k), rms, bn_lanes_load(weight + k));
        bn_lanes_store(y + k, accumulate ? bn_lanes_add(bn_lanes_load(y + k), h) : h);
    }
    if (k < cols) {
        const size_t some = cols - k;
        const bn_lanes h = normed(bn_lanes_load_some(x + k, some), rms, bn_lanes_load_some(weight + k, some));
        bn_lanes_store_some(y + k, accumulate ? bn_lanes_add(bn_lanes_load_some(y + k, some), h) : h, some);
    }
}

void BN_LANES_NAME(rms_norm)(const float *x, size_t cols, const float *weight, float eps, int32_t accumulate, float *y)
{
    if (accumulate)
        rms_norm(x, cols, weight, eps, 1, y);
    else
        rms_norm(x, cols, weight, eps, 0, y);
}

void BN_LANES_NAME(quantize)(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    const size_t stride = (cols + 255) & ~(size_t)255;
    const size_t whole = cols & ~(size_t)(BN_LANES - 1);

    bn_lanes_int largest = bn_lanes_int_zero();
    for (size_t k = 0; k < whole; k += BN_LANES) largest = bn_lanes_absmax(largest, bn_lanes_load(x + k));
    bn_lanes tail = bn_lanes_load_some(x + whole, cols - whole);
    largest = bn_lanes_absmax(largest, tail);

    const float absmax = bn_lanes_absmax_of(largest);
    if (!isfinite(absmax)) {
        memset(q, 0, stride);
        *scale = NAN;
        *sum = 0;
        return;
    }

    /* |x * s| <= 127 (1 + 2^-23): rounding leaves -127 .. 127 and needs no clamp. */
    *scale = 127.0f / (absmax > 1e-5f ? absmax : 1e-5f);
    const bn_lanes scales = bn_lanes_all(*scale);
    bn_lanes_int sums = bn_lanes_int_zero();
    for (size_t k = 0; k < whole; k += BN_LANES) {
        const bn_lanes_int rounded = bn_lanes_round(bn_lanes_mul(bn_lanes_load(x + k), scales));
        sums = bn_lanes_int_add(sums, rounded);
        bn_lanes_store_bytes(q + k, rounded);
    }
    for (size_t k = whole; k < stride; k += BN_LANES) {
        const bn_lanes_int rounded = bn_lanes_round(bn_lanes_mul(tail, scales));
        sums = bn_lanes_int_add(sums, rounded);
        bn_lanes_store_bytes(q + k, rounded);
        tail = bn_lanes_all(0);
    }
    *sum = bn_lanes_int_sum(sums);
}

/* max(g, 0)^2: with 0 first, a NaN stays. */
BN_INLINE bn_lanes relu2(bn_lanes gate)
{
    const bn_lanes g = bn_lanes_max(bn_lanes_all(0), gate);
    return bn_lanes_mul(g, g);
}

/* g / (1 + exp(-g)) */
BN_INLINE bn_lanes silu(bn_lanes gate)
{
    const bn_lanes e = bn_lanes_exp(bn_lanes_sub(bn_lanes_all(0), gate));
    return bn_lanes_div(gate, bn_lanes_add(bn_lanes_all(1), e));
}

/*
 * g (1 + tanh(u)) / 2 = g / (1 + exp(-2 u)), with 2 u = g (a + b g^2), a = sqrt(8 / pi), b = 0.044715 a. Five roundings make
 * 2 u wrong by 2.5 ulp at most, which for large negative g, where this is g exp(2 u), is 2.5 |2 u| ulp of the result.
 */
BN_INLINE bn_lanes gelu(bn_lanes gate)
{
    const bn_lanes square = bn_lanes_mul(gate, gate);
    const bn_lanes slope =
        bn_lanes_add_product(bn_lanes_all(1.59576912f), bn_lanes_all(0.0713548163f), square);
    const bn_lanes e = bn_lanes_exp(bn_lanes_sub(bn_lanes_all(0), bn_lanes_mul(gate, slope)));
    return bn_lanes_div(gate, bn_lanes_add(bn_lanes_all(1), e));
}

BN_INLINE bn_lanes gated(int32_t activation, bn_lanes gate, bn_lanes up)
{
    const bn_lanes open = activation == BN_ACTIVATION_RELU2  ? relu2(gate)
                          : activation == BN_ACTIVATION_SILU ? silu(gate)
                                                             : gelu(gate);
    return bn_lanes_mul(open, up);
}

BN_INLINE void glu(int32_t activation, float *gate, const float *up, size_t cols)
{
    size_t k = 0;
    for (; k + BN_LANES <= cols; k += BN_LANES)
        bn_lanes_store(gate + k, gated(activation, bn_lanes_load(gate + k), bn_lanes_load(up + k)));
    if (k < cols) {
        const size_t some = cols - k;
        const bn_lanes h =
            gated(activation, bn_lanes_load_some(gate + k, some), bn_lanes_load_some(up + k, some));
        bn_lanes_store_some(gate + k, h, some);
    }
}

void BN_LANES_NAME(glu)(int32_t activation, float *restrict gate, const float *restrict up, size_t cols)
{
    if (activation == BN_ACTIVATION_RELU2)
        glu(BN_ACTIVATION_RELU2, gate, up, cols);
    else if (activation == BN_ACTIVATION_SILU)
        glu(BN_ACTIVATION_SILU, gate, up, cols);
    else
        glu(BN_ACTIVATION_GELU, gate, up, cols);
}
