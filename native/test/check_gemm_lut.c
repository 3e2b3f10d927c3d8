/* Products with tables against the scalar product: every integer equal, for random and for extreme inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "kernel_check.h"
#include "pool/pool.h"

static const size_t TOKENS[] = {BN_GEMM_LUT_NARROW, BN_GEMM_LUT_WIDE};

/* ---- inputs ---- */

static const char *const W_NAMES[] = {"random codes", "codes 0", "codes 1", "codes 2", "a code 3", "any bits"};
static const char *const Q_NAMES[] = {"random q", "q -128", "q 127", "q -128/127", "small q, a row of -128"};
enum { W_COUNT = sizeof W_NAMES / sizeof W_NAMES[0], Q_COUNT = sizeof Q_NAMES / sizeof Q_NAMES[0] };

/* Four codes a byte, wherever the format puts them. */
static void fill_weights(uint8_t *w, size_t bytes, int kind, uint64_t *random)
{
    for (size_t i = 0; i < bytes; i++) {
        const uint64_t r = check_random(random);
        const uint8_t codes = (uint8_t)(r % 3 << 6 | (r >> 16) % 3 << 4 | (r >> 32) % 3 << 2 | (r >> 48) % 3);
        const uint8_t choices[W_COUNT] = {codes, 0, 0x55, 0xAA, codes, (uint8_t)r};
        w[i] = choices[kind];
    }
    if (kind == 4) w[check_random(random) % bytes] |= 0x0C;
}

static void fill_activations(int8_t *q, size_t rows, size_t stride, int kind, uint64_t *random)
{
    for (size_t i = 0; i < rows * stride; i++) {
        const int8_t any = (int8_t)check_random(random);
        const int8_t choices[Q_COUNT] = {any, -128, 127, i % 2 == 0 ? -128 : 127, i / stride == 17 ? -128 : any / 16};
        q[i] = choices[kind];
    }
}

/* ---- check ---- */

static void check_shape(const bn_kernel *kernel, size_t rows, size_t cols, size_t n, void *scratch)
{
    const size_t stride = (size_t)bn_quantized_stride((int64_t)cols), y_stride = rows + 3;
    const size_t w_bytes = rows * cols / 4, q_bytes = n * stride;
    const size_t y_bytes = ((n - 1) * y_stride + rows) * sizeof(int32_t);
    uint64_t random = rows * cols + n;
    int32_t *expected = malloc(n * rows * sizeof *expected);
    guarded guard_w = guarded_create(w_bytes), guard_q = guarded_create(q_bytes), guard_y = guarded_create(y_bytes);
    for (int c = 0; c < W_COUNT * Q_COUNT; c++) {
        const guard_side side = c % 2 == 0 ? GUARD_END : GUARD_START;
        uint8_t *w = guarded_place(&guard_w, w_bytes, side);
        int8_t *q = guarded_place(&guard_q, q_bytes, side);
        int32_t *y = guarded_place(&guard_y, y_bytes, side);
        check_describe("%s, %zu x %zu, n %zu, %s, %s", kernel->name, rows, cols, n, W_NAMES[c / Q_COUNT],
                       Q_NAMES[c % Q_COUNT]);
        fill_weights(w, w_bytes, c / Q_COUNT, &random);
        fill_activations(q, n, stride, c % Q_COUNT, &random);
        bn_gemm_i2s_scalar(w, cols, rows, q, stride, n, expected, rows);
        memset(scratch, 0xA5, BN_GEMM_LUT_SCRATCH);
        const int32_t gap = y[rows]; /* the pattern */
        ((bn_gemm_lut_fn)kernel->function)(w, cols, rows, q, stride, n, y, y_stride, scratch);
        for (size_t i = 0; i < n * rows; i++) {
            const int32_t got = y[i / rows * y_stride + i % rows];
            if (got == expected[i]) continue;
            check_failed("y[%zu][%zu] is %d, not %d", i / rows, i % rows, got, expected[i]);
            break;
        }
        for (size_t r = 0; r + 1 < n; r++)
            if (y[r * y_stride + rows] != gap || y[r * y_stride + rows + 2] != gap)
                check_failed("wrote between the rows of y");
        if (!guarded_intact(&guard_y, y_bytes, side)) check_failed("wrote around y");
    }
    guarded_destroy(&guard_w);
    guarded_destroy(&guard_q);
    guarded_destroy(&guard_y);
    free(expected);
}

void check_gemm_lut(const bn_kernel *kernel)
{
    static const size_t rows[] = {4, 8, 12, 16, 20, 100}, cols[] = {128, 256, 384, 640, 1152};
    guarded scratch = guarded_create(BN_GEMM_LUT_SCRATCH);
    void *start = guarded_place(&scratch, BN_GEMM_LUT_SCRATCH, GUARD_END);
    for (size_t t = 0; t < 2; t++) {
        for (size_t c = 0; c < sizeof cols / sizeof cols[0]; c++)
            for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
                check_shape(kernel, rows[r], cols[c], TOKENS[t], start);
        check_shape(kernel, BN_GEMM_LUT_ROWS, 128, TOKENS[t], start);
        check_shape(kernel, 4, 6912, TOKENS[t], start);
    }
    check_shape(kernel, 4, 1 << 17, BN_GEMM_LUT_NARROW, start);
    guarded_destroy(&scratch);
}

/* ---- speed: panels of a matrix by one block of activation rows ---- */

typedef struct product {
    const bn_kernel *kernel;
    bn_pool *pool;
    const uint8_t *w;
    int64_t rows, cols, panel, n;
    const int8_t *q;
    int32_t *y;       /* [threads][n][panel] */
    uint8_t *scratch; /* [threads]           */
} product;

static void one_panel(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const product *p = argument;
    const size_t cols = (size_t)p->cols;
    ((bn_gemm_lut_fn)p->kernel->function)(p->w + (size_t)begin * cols / 4, cols, (size_t)(end - begin), p->q,
                                          (size_t)bn_quantized_stride(p->cols), (size_t)p->n,
                                          p->y + thread * p->n * p->panel, (size_t)p->panel,
                                          p->scratch + (size_t)thread * BN_GEMM_LUT_SCRATCH);
}

static void one_pass(void *argument)
{
    static const atomic_int never = 0;
    product *p = argument;
    bn_pool_run(p->pool, p->rows, p->panel, &never, one_panel, p);
}

static void bench_product(const bn_kernel *kernel, const bench_options *options, int64_t rows, int64_t cols, int64_t n)
{
    const int64_t most = rows < options->threads * BN_GEMM_LUT_ROWS ? (rows + options->threads - 1) / options->threads
                                                                     : BN_GEMM_LUT_ROWS;
    const int64_t panel = (most + 15) / 16 * 16;
    const size_t w_bytes = (size_t)(rows * cols / 4), q_bytes = (size_t)(n * bn_quantized_stride(cols));
    uint64_t random = 1;
    uint8_t *w = aligned_alloc(64, (w_bytes + 63) / 64 * 64);
    int8_t *q = aligned_alloc(64, q_bytes);
    fill_weights(w, w_bytes, 0, &random);
    fill_activations(q, 1, q_bytes, 0, &random);
    product p = {.kernel = kernel, .w = w, .rows = rows, .cols = cols, .panel = panel, .n = n, .q = q};
    p.y = malloc((size_t)(options->threads * n * panel) * sizeof *p.y);
    p.scratch = aligned_alloc(64, (size_t)options->threads * BN_GEMM_LUT_SCRATCH);
    if (bn_pool_create(options->threads, &p.pool) == BN_OK) {
        char shape[64];
        snprintf(shape, sizeof shape, "%lldx%lld n=%lld t=%d", (long long)rows, (long long)cols, (long long)n,
                 options->threads);
        bench_line(kernel, shape, bench_shortest(options, one_pass, &p), (double)w_bytes,
                   (double)rows * (double)cols * (double)n);
    }
    bn_pool_destroy(p.pool);
    free(w);
    free(q);
    free(p.y);
    free(p.scratch);
}

/* The shapes of bitnet-b1.58-2B-4T, with both numbers of activation rows. */
void bench_gemm_lut(const bn_kernel *kernel, const bench_options *options)
{
    static const int64_t shapes[][2] = {{2560, 2560}, {640, 2560}, {6912, 2560}, {2560, 6912}};
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && options->rows == 0; i++)
            bench_product(kernel, options, shapes[i][0], shapes[i][1], (int64_t)TOKENS[t]);
        if (options->rows % 4 != 0 || options->cols % 128 != 0)
            printf("%-28s cannot run %lld x %lld\n", kernel->name, (long long)options->rows, (long long)options->cols);
        else if (options->rows > 0)
            bench_product(kernel, options, options->rows, options->cols, (int64_t)TOKENS[t]);
    }
}
