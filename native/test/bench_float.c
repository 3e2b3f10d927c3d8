/* Speed of the row kernels and of the float products, at the widths of bitnet-b1.58-2B-4T. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_float.h"

typedef struct row_bench {
    const bn_kernel *kernel;
    size_t cols;
    float *x, *y, *weight;
    int8_t *q;
} row_bench;

static void rms_norm_pass(void *argument)
{
    const row_bench *b = argument;
    ((bn_rms_norm_fn)b->kernel->function)(b->x, b->cols, b->weight, 1e-5f, b->y);
}

static void quantize_pass(void *argument)
{
    const row_bench *b = argument;
    float scale;
    int32_t sum;
    ((bn_quantize_fn)b->kernel->function)(b->x, b->cols, b->weight, 1e-5f, b->q, &scale, &sum);
}

static void relu2_pass(void *argument)
{
    const row_bench *b = argument;
    ((bn_glu_fn)b->kernel->function)(BN_ACTIVATION_RELU2, b->y, b->x, b->cols);
}

static void silu_pass(void *argument)
{
    const row_bench *b = argument;
    ((bn_glu_fn)b->kernel->function)(BN_ACTIVATION_SILU, b->y, b->x, b->cols);
}

static void softmax_pass(void *argument)
{
    const row_bench *b = argument;
    ((bn_softmax_fn)b->kernel->function)(b->x, b->cols, 0.6f, b->y);
}

static void rope_pass(void *argument)
{
    const row_bench *b = argument;
    const bn_attention_shape shape = {.head_dim = 128, .rope_dim = 128};
    ((bn_rope_fn)b->kernel->function)(&shape, b->weight, b->cols / 128, b->y);
}

static void bench_row(const bn_kernel *kernel, const bench_options *options, size_t cols, const char *what,
                      void (*pass)(void *))
{
    char shape[64];
    uint64_t random = 1;
    row_bench b = {.kernel = kernel, .cols = options->cols > 0 ? (size_t)options->cols : cols};
    b.x = calloc(b.cols, sizeof(float));
    b.y = calloc(b.cols, sizeof(float));
    b.weight = calloc(b.cols, sizeof(float));
    b.q = aligned_alloc(64, (size_t)bn_quantized_stride((int64_t)b.cols));
    float_fill(b.x, b.cols, FLOAT_RANDOM, &random);
    float_fill(b.weight, b.cols, FLOAT_RANDOM, &random);
    snprintf(shape, sizeof shape, "%zu%s", b.cols, what);
    bench_line(kernel, shape, bench_shortest(options, pass, &b), 0, 0);
    free(b.x);
    free(b.y);
    free(b.weight);
    free(b.q);
}

void bench_rms_norm(const bn_kernel *kernel, const bench_options *options)
{
    bench_row(kernel, options, 2560, "", rms_norm_pass);
}

void bench_quantize(const bn_kernel *kernel, const bench_options *options)
{
    bench_row(kernel, options, 2560, "", quantize_pass);
    if (options->cols == 0) bench_row(kernel, options, 6912, "", quantize_pass);
}

void bench_glu(const bn_kernel *kernel, const bench_options *options)
{
    bench_row(kernel, options, 6912, " relu2", relu2_pass);
    bench_row(kernel, options, 6912, " silu", silu_pass);
}

void bench_softmax(const bn_kernel *kernel, const bench_options *options)
{
    bench_row(kernel, options, 128256, "", softmax_pass);
}

void bench_rope(const bn_kernel *kernel, const bench_options *options)
{
    bench_row(kernel, options, 2560, " in heads of 128", rope_pass);
}

/* ---- the output head: panels of its rows, one after the other, on one thread ---- */

enum { PANEL = 32 };

typedef struct head_bench {
    const bn_kernel *kernel;
    const uint8_t *w;
    size_t rows, cols, row_bytes, n;
    const float *x;
    float *y;
} head_bench;

static void head_pass(void *argument)
{
    const head_bench *b = argument;
    for (size_t r = 0; r < b->rows; r += PANEL)
        ((bn_matmul_fn)b->kernel->function)(b->w + r * b->row_bytes, b->cols, b->rows - r < PANEL ? b->rows - r : PANEL,
                                            b->x, b->n, b->y + r, b->rows);
}

void bench_matmul(const bn_kernel *kernel, const bench_options *options)
{
    head_bench b = {.kernel = kernel, .rows = 16384, .cols = 2560};
    if (options->rows > 0) b.rows = (size_t)options->rows;
    if (options->cols > 0) b.cols = (size_t)options->cols;
    b.row_bytes = float_row_bytes(kernel->format, b.cols);
    uint8_t *w = aligned_alloc(64, (b.rows * b.row_bytes + 63) / 64 * 64);
    memset(w, 0x2c, b.rows * b.row_bytes); /* small numbers in every format */
    b.w = w;
    for (b.n = options->n > 0 ? (size_t)options->n : 1; b.n <= 16; b.n *= 16) {
        char shape[64];
        uint64_t random = 1;
        float *x = malloc(b.n * b.cols * sizeof(float));
        float_fill(x, b.n * b.cols, FLOAT_RANDOM, &random);
        b.x = x;
        b.y = calloc(b.n * b.rows, sizeof(float));
        snprintf(shape, sizeof shape, "%zux%zu n=%zu", b.rows, b.cols, b.n);
        bench_line(kernel, shape, bench_shortest(options, head_pass, &b), (double)(b.rows * b.row_bytes),
                   (double)(b.rows * b.cols * b.n));
        free(x);
        free(b.y);
    }
    free(w);
}
