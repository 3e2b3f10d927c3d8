/* Products with float matrices, rows of them as floats, RoPE and the way into the cache. */
#include <math.h>
#include <string.h>

#include "check_float.h"

enum { MOST_ROWS = 9, MOST_N = 9, MOST_COLS = 600, ROW_BYTES = MOST_COLS * 4 };

static void put_half(uint8_t *to, float x)
{
    const uint16_t half = half_nearest(x);
    memcpy(to, &half, sizeof half);
}

/* A format of weights: blocks of so many weights in so many bytes, with an f16 scale at this offset unless it is -1. */
typedef struct layout {
    size_t block, bytes;
    int scale;
} layout;

static layout layout_of(bn_format format)
{
    static const layout layouts[] = {[BN_FORMAT_F32] = {1, 4, -1},       [BN_FORMAT_F16] = {1, 2, 0},
                                     [BN_FORMAT_BF16] = {1, 2, 0},       [BN_FORMAT_Q8_0] = {32, 34, 0},
                                     [BN_FORMAT_Q6_K] = {256, 210, 208}, [BN_FORMAT_Q5_0] = {32, 22, 0},
                                     [BN_FORMAT_Q4_K] = {256, 144, 0},   [BN_FORMAT_Q4_0] = {32, 18, 0}};
    return layouts[format];
}

/* Random weights of a format, whole blocks of them. */
static void fill_weights(bn_format format, uint8_t *w, size_t count, uint64_t *random)
{
    const layout of = layout_of(format);
    for (size_t i = 0; i < count; i += of.block, w += of.bytes) {
        const float value = float_random(random);
        for (size_t b = 0; b < of.bytes; b++) w[b] = (uint8_t)check_random(random);
        if (of.scale >= 0)
            put_half(w + of.scale, value);
        else
            memcpy(w, &value, sizeof value);
        if (format == BN_FORMAT_BF16) memcpy(w, (const uint8_t *)&value + 2, 2);
        if (format == BN_FORMAT_Q4_K) put_half(w + 2, float_random(random));
    }
}

/* The integer of weight i of a block, by the definitions of llama.cpp. */
static int32_t code_at(bn_format format, const uint8_t *block, size_t i)
{
    if (format == BN_FORMAT_Q8_0) return (int8_t)block[2 + i];
    if (format == BN_FORMAT_Q4_0) return (i < 16 ? block[2 + i] & 15 : block[2 + i - 16] >> 4) - 8;
    if (format == BN_FORMAT_Q5_0) {
        uint32_t fifth;
        memcpy(&fifth, block + 2, sizeof fifth);
        return ((i < 16 ? block[6 + i] & 15 : block[6 + i - 16] >> 4) | (int32_t)(fifth >> i & 1) << 4) - 16;
    }
    if (format == BN_FORMAT_Q4_K) return i % 64 < 32 ? block[16 + i / 64 * 32 + i % 32] & 15 : block[16 + i / 64 * 32 + i % 32] >> 4;
    if (format != BN_FORMAT_Q6_K) return 1;
    const size_t half = i / 128, in_half = i % 128;
    const int32_t byte = block[half * 64 + in_half % 64], high = block[128 + half * 32 + in_half % 32];
    const int32_t code = (in_half < 64 ? byte & 15 : byte >> 4) | (high >> in_half / 32 * 2 & 3) << 4;
    return code - 32;
}

/* The scale and the minimum of weights 32 j .. 32 j + 31 of a block of Q4_K: get_scale_min_k4 of llama.cpp. */
static void scale_min_k4(size_t j, const uint8_t *q, int32_t *scale, int32_t *minimum)
{
    *scale = j < 4 ? q[j] & 63 : (q[j + 4] & 0xF) | q[j - 4] >> 6 << 4;
    *minimum = j < 4 ? q[j + 4] & 63 : q[j + 4] >> 4 | q[j] >> 6 << 4;
}

/* Weight i of a whole number of blocks, by the definition of the format; exact in float, but for Q4_K's difference. */
static float weight_at(bn_format format, const uint8_t *w, size_t i)
{
    const layout of = layout_of(format);
    const uint8_t *block = w + i / of.block * of.bytes;
    float value;
    uint16_t half;
    if (of.scale < 0) {
        memcpy(&value, block, sizeof value);
        return value;
    }
    memcpy(&half, block + of.scale, sizeof half);
    if (format == BN_FORMAT_BF16) {
        memcpy(&value, &(uint32_t){(uint32_t)half << 16}, sizeof value);
        return value;
    }
    value = half_value(half);
    if (format == BN_FORMAT_Q4_K) {
        int32_t scale, minimum;
        scale_min_k4(i % of.block / 32, block + 4, &scale, &minimum);
        memcpy(&half, block + 2, sizeof half);
        return value * (float)scale * (float)code_at(format, block, i % of.block) - half_value(half) * (float)minimum;
    }
    if (format == BN_FORMAT_Q6_K) value *= (float)(int8_t)block[192 + i % of.block / 16];
    return value * (float)code_at(format, block, i % of.block);
}

static const size_t COLS[] = {1, 7, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 96, 100, 127, 128, 256, 512, 544, 599, 0};

typedef struct product_case {
    size_t cols, rows, n;
    uint8_t *w;
    float *x;
} product_case;

/* cols / 32 additions, a tree of 5 and the product: units of the sum of the products' sizes. */
static void check_product(const bn_kernel *kernel, const product_case *c, guard_side side)
{
    const size_t stride = c->rows + 3;
    const size_t w_bytes = c->rows * float_row_bytes(kernel->format, c->cols), x_bytes = c->n * c->cols * sizeof(float);
    const size_t y_bytes = ((c->n - 1) * stride + c->rows) * sizeof(float);
    float expected[MOST_N * (MOST_ROWS + 3)];
    const uint8_t *w = float_input(0, c->w, w_bytes, side);
    const float *x = float_input(1, c->x, x_bytes, side);
    float *y = float_output(2, y_bytes, side);
    memcpy(expected, y, y_bytes);
    /* One row of x at a time: how rows are batched must not show. */
    for (size_t t = 0; t < c->n; t++)
        ((bn_matmul_fn)float_scalar(kernel))(w, c->cols, c->rows, x + t * c->cols, 1, expected + t * stride, stride);
    ((bn_matmul_fn)kernel->function)(w, c->cols, c->rows, x, c->n, y, stride);
    float_expect_same("y", y, expected, y_bytes / sizeof(float));
    float_untouched(2, y_bytes, side);
    for (size_t t = 0; t < c->n; t++) {
        for (size_t r = 0; r < c->rows; r++) {
            double sum = 0, size = 0;
            for (size_t k = 0; k < c->cols; k++) {
                const double p = (double)weight_at(kernel->format, w + r * float_row_bytes(kernel->format, c->cols), k) *
                                 x[t * c->cols + k];
                sum += p;
                size += fabs(p);
            }
            if (fabs(y[t * stride + r] - sum) > size * UNIT * ((double)c->cols / 32 + 7) + TINY * (double)c->cols)
                check_failed("y[%zu][%zu] is %.9g, in double %.9g", t, r, (double)y[t * stride + r], sum);
        }
    }
}

void check_matmul(const bn_kernel *kernel)
{
    static uint8_t w[MOST_ROWS * ROW_BYTES];
    static float x[MOST_N * MOST_COLS];
    uint64_t random = 2;
    for (const size_t *cols = COLS; *cols != 0; cols++) {
        if (float_row_bytes(kernel->format, *cols) == 0) continue;
        fill_weights(kernel->format, w, MOST_ROWS * *cols, &random);
        float_fill(x, MOST_N * *cols, FLOAT_RANDOM, &random);
        for (size_t rows = 1; rows <= MOST_ROWS; rows += 2 + rows / 3) {
            for (size_t n = 1; n <= MOST_N; n++) {
                const product_case c = {*cols, rows, n, w, x};
                check_describe("%s, %zu x %zu, n %zu", kernel->name, rows, *cols, n);
                check_product(kernel, &c, GUARD_START);
                check_product(kernel, &c, GUARD_END);
            }
        }
    }
}

static void check_embed_row(const bn_kernel *kernel, const uint8_t *w, size_t cols)
{
    const size_t bytes = float_row_bytes(kernel->format, cols), x_bytes = cols * sizeof(float);
    for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
        const uint8_t *row = float_input(0, w, bytes, side);
        float *x = float_output(1, x_bytes, side);
        ((bn_embed_fn)kernel->function)(row, cols, x);
        for (size_t k = 0; k < cols; k++) {
            if (float_same(x[k], weight_at(kernel->format, row, k))) continue;
            check_failed("x[%zu] is %a, not %a", k, (double)x[k], (double)weight_at(kernel->format, row, k));
            return;
        }
        float_untouched(1, x_bytes, side);
    }
}

void check_embed(const bn_kernel *kernel)
{
    static uint8_t w[65536 * 2];
    uint64_t random = 3;
    for (const size_t *cols = COLS; *cols != 0; cols++) {
        if (float_row_bytes(kernel->format, *cols) == 0) continue;
        fill_weights(kernel->format, w, *cols, &random);
        check_describe("%s, %zu columns", kernel->name, *cols);
        check_embed_row(kernel, w, *cols);
    }
    if (kernel->format != BN_FORMAT_F16 && kernel->format != BN_FORMAT_BF16) return;
    check_describe("%s, all values", kernel->name);
    for (uint32_t i = 0; i < 65536; i++) memcpy(w + 2 * i, &(uint16_t){(uint16_t)i}, 2);
    check_embed_row(kernel, w, 65536);
}

/* ---- RoPE ---- */

static const int32_t ROTATIONS[][2] = {{4, 4}, {8, 6}, {20, 20}, {64, 64}, {100, 100}, {128, 128}, {128, 32}, {256, 0}, {512, 512}};

enum { MOST_DIM = 512, HEADS = 3 };

static void random_angles(float *rope, size_t half, uint64_t *random)
{
    for (size_t i = 0; i < half; i++) {
        const double angle = 1000 * float_random(random);
        rope[i] = (float)cos(angle);
        rope[half + i] = (float)sin(angle);
    }
}

/* Two products and a sum: 2 units of the products' sizes. */
static void check_rotated(const bn_attention_shape *shape, const float *rope, const float *before, const float *after)
{
    const size_t half = (size_t)shape->rope_dim / 2;
    for (size_t i = 0; i < half; i++) {
        const int halves = shape->rope_style == BN_ROPE_HALVES;
        const size_t one = halves ? i : 2 * i, other = halves ? i + half : 2 * i + 1;
        const double a = before[one], b = before[other], c = rope[i], s = rope[half + i];
        const double tolerance = 2 * UNIT * (fabs(a) + fabs(b)) + TINY;
        if (fabs(after[one] - (a * c - b * s)) > tolerance || fabs(after[other] - (a * s + b * c)) > tolerance)
            check_failed("pair %zu is (%g, %g)", i, (double)after[one], (double)after[other]);
    }
    for (size_t d = 2 * half; d < (size_t)shape->head_dim; d++)
        if (!float_same(before[d], after[d])) check_failed("element %zu, behind rope_dim, changed", d);
}

void check_rope(const bn_kernel *kernel)
{
    uint64_t random = 4;
    for (size_t i = 0; i < sizeof ROTATIONS / sizeof *ROTATIONS; i++) {
        for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
            bn_attention_shape shape = {.head_dim = ROTATIONS[i][0], .rope_dim = ROTATIONS[i][1]};
            const size_t dim = (size_t)shape.head_dim, half = (size_t)shape.rope_dim / 2;
            for (; shape.rope_style <= BN_ROPE_INTERLEAVED; shape.rope_style++) {
                float angles[MOST_DIM], before[HEADS * MOST_DIM], expected[HEADS * MOST_DIM];
                random_angles(angles, half, &random);
                float_fill(before, HEADS * dim, FLOAT_RANDOM, &random);
                memcpy(expected, before, sizeof expected);
                check_describe("%s, %d of %d, style %d", kernel->name, shape.rope_dim, shape.head_dim, shape.rope_style);
                ((bn_rope_fn)float_scalar(kernel))(&shape, angles, HEADS, expected);
                const float *rope = float_input(0, angles, 2 * half * sizeof(float), side);
                float *x = float_input(1, before, HEADS * dim * sizeof(float), side);
                ((bn_rope_fn)kernel->function)(&shape, rope, HEADS, x);
                float_expect_same("x", x, expected, HEADS * dim);
                float_untouched(1, HEADS * dim * sizeof(float), side);
                for (size_t head = 0; head < HEADS; head++)
                    check_rotated(&shape, rope, before + head * dim, x + head * dim);
            }
        }
    }
}

/* Key and value as f16 of the rotated key and of the value, exactly; nothing else of the block written. */
static void check_store(const bn_kernel *kernel, const bn_attention_shape *shape, const float *angles, const float *k,
                        const float *v, size_t lane, guard_side side)
{
    const size_t dim = (size_t)shape->head_dim, bytes = dim * sizeof(float), block_bytes = dim * 16 * sizeof(uint16_t);
    float rotated[MOST_DIM];
    memcpy(rotated, k, bytes);
    bn_rope_scalar(shape, angles, 1, rotated);
    const float *rope = float_input(0, angles, (size_t)shape->rope_dim * sizeof(float), side);
    const float *key = float_input(1, k, bytes, side), *from = float_input(2, v, bytes, side);
    uint16_t *block = float_output(3, block_bytes, side), *value = float_output(4, dim * sizeof(uint16_t), side);
    const uint16_t pattern = block[0];
    ((bn_store_kv_fn)kernel->function)(shape, rope, key, from, lane, block, value);
    for (size_t d = 0; d < dim; d++) {
        for (size_t p = 0; p < 16; p++) {
            const uint16_t expected = p == lane ? half_nearest(rotated[d]) : pattern;
            if (block[d * 16 + p] != expected)
                check_failed("key element %zu, lane %zu is %04x, not %04x", d, p, block[d * 16 + p], expected);
        }
        if (value[d] != half_nearest(v[d]))
            check_failed("value element %zu, %a, is %04x, not %04x", d, (double)v[d], value[d], half_nearest(v[d]));
    }
    float_untouched(3, block_bytes, side);
    float_untouched(4, dim * sizeof(uint16_t), side);
}

/* Every f16, the points half-way to the next, and the floats on both sides of those. */
static void check_rounding(const bn_kernel *kernel)
{
    bn_attention_shape shape = {.head_dim = 512};
    float v[MOST_DIM], k[MOST_DIM];
    check_describe("%s, rounding to f16", kernel->name);
    size_t filled = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        const float here = half_value((uint16_t)h);
        if (isnan(here)) continue;
        const float next = (h & 0x7fff) == 0x7bff ? copysignf(65536, here) : half_value((uint16_t)(h + 1));
        const float between = isinf(here) ? here : (here + next) / 2;
        v[filled] = here;
        v[filled + 1] = between;
        v[filled + 2] = nextafterf(between, -INFINITY);
        v[filled + 3] = nextafterf(between, INFINITY);
        filled += 4;
        if (filled < MOST_DIM) continue;
        for (size_t d = 0; d < MOST_DIM; d++) k[d] = v[MOST_DIM - 1 - d];
        check_store(kernel, &shape, k, k, v, 0, GUARD_END);
        filled = 0;
    }
}

void check_store_kv(const bn_kernel *kernel)
{
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof ROTATIONS / sizeof *ROTATIONS; i++) {
        for (size_t lane = 0; lane < 16; lane += 5) {
            bn_attention_shape shape = {.head_dim = ROTATIONS[i][0], .rope_dim = ROTATIONS[i][1]};
            float angles[MOST_DIM], k[MOST_DIM], v[MOST_DIM];
            shape.rope_style = lane % 2;
            random_angles(angles, (size_t)shape.rope_dim / 2, &random);
            float_fill(k, (size_t)shape.head_dim, FLOAT_RANDOM, &random);
            float_fill(v, (size_t)shape.head_dim, lane == 0 ? FLOAT_ONE_NAN : lane == 5 ? FLOAT_HUGE : FLOAT_RANDOM, &random);
            check_describe("%s, %d of %d, lane %zu", kernel->name, shape.rope_dim, shape.head_dim, lane);
            check_store(kernel, &shape, angles, k, v, lane, GUARD_START);
            check_store(kernel, &shape, angles, k, v, lane, GUARD_END);
        }
    }
    check_rounding(kernel);
}
