/* Epilogue, RMS norm, quantisation, gating and softmax: rows with every tail, of every kind of float. */
#include <math.h>
#include <string.h>

#include "check_float.h"
#include "ops/lanes.h"

enum { MOST_COLS = 2600, EXP_STEP = 61 };

/* Every tail of 16 lanes, the blocks of 128 and 256 and what lies next to them, and a model's width. */
static const size_t COLS[] = {1,  2,  3,  5,  7,  8,   9,   11,  13,  15,  16,  17,  24,  31,  32,  33,   47,
                              48, 63, 64, 65, 96, 127, 128, 129, 160, 255, 256, 257, 384, 385, 511, 2560, 2599, 0};

typedef struct row {
    size_t cols;
    float_kind kind;
    guard_side side;
    float x[MOST_COLS], weight[MOST_COLS];
} row;

/* Runs `check` on every width, kind of x and side of the guard page. */
static void each_row(const bn_kernel *kernel, void (*check)(const bn_kernel *, row *))
{
    static row r;
    uint64_t random = 1;
    for (const size_t *cols = COLS; *cols != 0; cols++) {
        for (float_kind kind = 0; kind < FLOAT_KINDS; kind++) {
            r.cols = *cols;
            r.kind = kind;
            float_fill(r.x, r.cols, kind, &random);
            float_fill(r.weight, r.cols, FLOAT_RANDOM, &random);
            check_describe("%s, %zu columns, %s", kernel->name, *cols, float_kind_name(kind));
            for (r.side = GUARD_START; r.side <= GUARD_END; r.side++) check(kernel, &r);
        }
    }
}

static void expect_close(size_t i, float got, double expected, double tolerance)
{
    if (isnan(expected) ? isnan(got) : fabs(got - expected) <= tolerance) return;
    check_failed("element %zu is %.9g, in double %.9g, tolerance %.3g", i, (double)got, expected, tolerance);
}

/*
 * cols / 16 additions and a tree of 4 make the sum of squares wrong by (cols / 16 + 5) units at most, and the root
 * halves that; the sum, the mean, eps, root, quotient and two products add 7. Float squares below 2^-149 are lost,
 * which eps outweighs.
 */
static void check_rms_norm_row(const bn_kernel *kernel, row *r)
{
    const size_t bytes = r->cols * sizeof(float);
    const float eps = 1e-5f;
    float expected[MOST_COLS], sums[MOST_COLS];
    ((bn_rms_norm_fn)float_scalar(kernel))(r->x, r->cols, r->weight, eps, 0, expected);
    const float *x = float_input(0, r->x, bytes, r->side);
    const float *weight = float_input(1, r->weight, bytes, r->side);
    float *y = float_output(2, bytes, r->side);
    ((bn_rms_norm_fn)kernel->function)(x, r->cols, weight, eps, 0, y);
    float_expect_same("y", y, expected, r->cols);
    float_untouched(2, bytes, r->side);

    double squares = 0;
    for (size_t k = 0; k < r->cols; k++) squares += (double)r->x[k] * r->x[k];
    const double inverse = squares < 0x1.fffffep127 ? 1 / sqrt(squares / (double)r->cols + eps) : (double)NAN;
    for (size_t k = 0; k < r->cols; k++) {
        const double h = r->x[k] * inverse * r->weight[k];
        expect_close(k, y[k], h, fabs(h) * UNIT * ((double)r->cols / 32 + 10) + TINY * (1 + fabsf(r->weight[k])));
    }
    for (size_t k = 0; k < r->cols; k++) sums[k] = r->weight[k] + expected[k];
    memcpy(y, weight, bytes);
    ((bn_rms_norm_fn)kernel->function)(x, r->cols, weight, eps, 1, y);
    float_expect_same("y added to", y, sums, r->cols);
    float_untouched(2, bytes, r->side);
    memcpy(y, expected, bytes);
    ((bn_rms_norm_fn)kernel->function)(y, r->cols, weight, eps, 0, y);
    ((bn_rms_norm_fn)kernel->function)(expected, r->cols, weight, eps, 0, expected);
    float_expect_same("y in place", y, expected, r->cols);
}

/* x is what is added to; of the dot products some are past what a float holds exactly. */
static void check_epilogue_row(const bn_kernel *kernel, row *r)
{
    const size_t bytes = r->cols * sizeof(float);
    uint64_t random = r->cols;
    int32_t dots[MOST_COLS];
    for (size_t k = 0; k < r->cols; k++) dots[k] = (int32_t)check_random(&random) / 4 >> check_random(&random) % 24;
    const int32_t *dot = float_input(0, dots, bytes, r->side), sum = dots[0] / 2;
    for (bn_outputs outputs = BN_OUTPUTS_STORED; outputs <= BN_OUTPUTS_STREAMED; outputs++) {
        float *y = float_output(1, bytes, r->side), expected[MOST_COLS];
        memcpy(y, r->x, bytes);
        for (size_t k = 0; k < r->cols; k++) {
            const float product = (float)(dots[k] - sum) * r->weight[0];
            expected[k] = outputs == BN_OUTPUTS_ADDED ? r->x[k] + product : product;
        }
        ((bn_epilogue_fn)kernel->function)(dot, r->cols, sum, r->weight[0], outputs, y);
        float_expect_same("y", y, expected, r->cols);
        float_untouched(1, bytes, r->side);
    }
}

void check_rms_norm(const bn_kernel *kernel)
{
    each_row(kernel, check_rms_norm_row);
}

/* The specification, element by element: no tolerance. */
static void check_quantized(const row *r, const float *h, const int8_t *q, float scale, int32_t sum)
{
    const size_t stride = (size_t)bn_quantized_stride((int64_t)r->cols);
    float absmax = 0;
    int finite = 1;
    for (size_t k = 0; k < r->cols; k++) {
        finite = finite && isfinite(h[k]);
        absmax = fmaxf(absmax, fabsf(h[k]));
    }
    const float s = finite ? 127.0f / fmaxf(absmax, 1e-5f) : NAN;
    if (!float_same(scale, s)) check_failed("the scale is %a, not %a", (double)scale, (double)s);
    int32_t total = 0;
    for (size_t k = 0; k < stride; k++) {
        const int expected = k < r->cols && finite ? (int)nearbyintf(h[k] * s) : 0;
        const int got = q[k];
        total += expected;
        if (got == expected) continue;
        check_failed("q of element %zu is %d, not %d", k, got, expected);
        return;
    }
    if (sum != total) check_failed("the sum is %d, not %d", sum, total);
}

static void check_quantize_row(const bn_kernel *kernel, row *r)
{
    const size_t bytes = r->cols * sizeof(float), stride = (size_t)bn_quantized_stride((int64_t)r->cols);
    const float *x = float_input(0, r->x, bytes, r->side);
    float scale;
    int32_t sum;
    int8_t *q = float_output(2, stride, r->side);
    ((bn_quantize_fn)kernel->function)(x, r->cols, q, &scale, &sum);
    check_quantized(r, x, q, scale, sum);
    float_untouched(2, stride, r->side);
}

/* The halves between two integers: s = 1, so that h * s hits every tie. */
static void check_ties(const bn_kernel *kernel)
{
    static row r;
    r.cols = 509;
    for (size_t k = 0; k < r.cols; k++) r.x[k] = (float)((double)k * 0.5 - 127);
    check_describe("%s, ties", kernel->name);
    check_quantize_row(kernel, &r);
}

void check_quantize(const bn_kernel *kernel)
{
    each_row(kernel, check_quantize_row);
    check_ties(kernel);
}

static double activated(int32_t activation, double g)
{
    switch (activation) {
    case BN_ACTIVATION_RELU2: return g > 0 ? g * g : isnan(g) ? g : 0;
    case BN_ACTIVATION_SILU: return g / (1 + exp(-g));
    default: return g * (1 + tanh(sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) / 2;
    }
}

/*
 * relu^2 * up rounds twice. SiLU and GELU: exp is good to 4 units and its sum, the quotient and the product round. The
 * exponent of GELU, 2 u, is the sum of two constants' products, wrong by 5 units, and moves exp by as much times itself; and
 * in double, 1 + tanh(u) is good to 2^-52.
 */
static void check_glu_row(const bn_kernel *kernel, row *r)
{
    const size_t bytes = r->cols * sizeof(float);
    const float *up = float_input(1, r->weight, bytes, r->side);
    for (int32_t activation = BN_ACTIVATION_RELU2; activation <= BN_ACTIVATION_GELU; activation++) {
        float expected[MOST_COLS];
        memcpy(expected, r->x, bytes);
        ((bn_glu_fn)float_scalar(kernel))(activation, expected, up, r->cols);
        float *gate = float_input(0, r->x, bytes, r->side);
        ((bn_glu_fn)kernel->function)(activation, gate, up, r->cols);
        float_expect_same("gate", gate, expected, r->cols);
        float_untouched(0, bytes, r->side);
        for (size_t k = 0; k < r->cols; k++) {
            const double g = r->x[k], u = up[k];
            const double h = activated(activation, g) * u;
            const double exponent = activation == BN_ACTIVATION_GELU ? fmin(100, fabs(1.6 * g + 0.072 * g * g * g)) : 0;
            const double cancelled = activation == BN_ACTIVATION_GELU ? fabs(g * u) * 0x1p-52 : 0;
            if (fabs(h) > 0x1p127 || isinf(g)) continue; /* out of float's range: only that all ISAs agree */
            expect_close(k, gate[k], h, fabs(h) * UNIT * (8 + 5 * exponent) + cancelled + TINY * (1 + fabs(u)));
        }
    }
}

void check_glu(const bn_kernel *kernel)
{
    each_row(kernel, check_glu_row);
}

/*
 * A score x - top is rounded, divided and rounded: |a| * 2 units, absolute, before exp and relative after it. exp adds
 * 4 units, the sum cols / 16 + 5, the quotient 1.
 */
static void check_softmax_row(const bn_kernel *kernel, row *r)
{
    const size_t bytes = r->cols * sizeof(float);
    static const float temperatures[] = {1, 0.1f, 3, 0x1p-140f};
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
        float expected[MOST_COLS];
        const float temperature = temperatures[t];
        ((bn_softmax_fn)float_scalar(kernel))(r->x, r->cols, temperature, expected);
        const float *x = float_input(0, r->x, bytes, r->side);
        float *y = float_output(1, bytes, r->side);
        ((bn_softmax_fn)kernel->function)(x, r->cols, temperature, y);
        float_expect_same("y", y, expected, r->cols);
        float_untouched(1, bytes, r->side);
        memcpy(y, x, bytes);
        ((bn_softmax_fn)kernel->function)(y, r->cols, temperature, y);
        float_expect_same("y in place", y, expected, r->cols);

        double top = -INFINITY, sum = 0;
        for (size_t k = 0; k < r->cols; k++) top = fmax(top, r->x[k]);
        for (size_t k = 0; k < r->cols; k++) sum += exp((r->x[k] - top) / (double)temperature);
        if (isinf(top)) sum = NAN; /* a row of one element, minus infinity */
        for (size_t k = 0; k < r->cols; k++) {
            const double a = (r->x[k] - top) / (double)temperature, p = exp(a) / sum;
            const double units = (a > -110 ? -2 * a : 0) + (double)r->cols / 16 + 12;
            expect_close(k, y[k], p, p * UNIT * units + TINY);
        }
    }
}

/* bn_lanes_exp's promise, 2 units in the last place, at every 61st float; ISAs agree on it through softmax and SiLU. */
static void check_exp(void)
{
    check_describe("bn_lanes_exp");
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += (uint64_t)BN_LANES * EXP_STEP) {
        float x[BN_LANES], y[BN_LANES];
        for (size_t i = 0; i < BN_LANES; i++) {
            const uint32_t b = (uint32_t)(bits + i * EXP_STEP);
            memcpy(&x[i], &b, sizeof b);
        }
        bn_lanes_store(y, bn_lanes_exp(bn_lanes_load(x)));
        for (size_t i = 0; i < BN_LANES; i++) {
            const double e = exp((double)x[i]);
            if (e > 0x1.fffffep127 ? isinf(y[i]) : isnan(e) ? isnan(y[i]) : fabs(y[i] - e) <= e * UNIT * 4 + TINY)
                continue;
            check_failed("exp(%a) is %a, not %a", (double)x[i], (double)y[i], e);
            return;
        }
    }
}

void check_epilogue(const bn_kernel *kernel)
{
    each_row(kernel, check_epilogue_row);
}

void check_softmax(const bn_kernel *kernel)
{
    each_row(kernel, check_softmax_row);
    if (kernel->isa == BN_ISA_SCALAR) check_exp();
}
