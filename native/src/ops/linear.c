/*
 * BitLinear: exact integer products, then one epilogue that every ISA shares, so that the floats are the same too.
 *
 * One row of activations (decode) reads every weight once: the rows of all products are laid end to end and each
 * thread streams through its own run of them. Several rows (prefill, many sequences) are cut into tiles of PANEL
 * weight rows by TOKENS activation rows: a panel of weights and the activations stay in the second-level cache while
 * the kernel works on registers.
 */
#include <stddef.h>

#include "ops.h"

enum {
    RUN_BYTES = 32 * 1024, /* weights of one piece of a matrix-vector product, about       */
    RUN_ROWS = 256,        /* and its rows at most                                         */
    RUN_STEP = 16,         /* and what its rows are a multiple of, as I2_R16 needs them    */
    PANEL = 64,            /* weight rows of one piece of a matrix-matrix product          */
    TOKENS = 96,           /* and its activation rows                                      */
    MAX_COLS = 1 << 19     /* 64 * 2 * 128 * cols / 4 stays below 2^31 in every lane of every kernel */
};

typedef struct linear {
    const bn_product *products;
    const bn_quantized *x;
    int64_t n;
    bn_gemv_fn gemv[BN_FORMAT_COUNT];
    bn_gemm_fn gemm[BN_FORMAT_COUNT];
} linear;

static int64_t panels_of(const bn_product *product)
{
    return (product->weight->rows + PANEL - 1) / PANEL;
}

/* Rows of a product in the sequence of all products: whole steps, so that each product begins with one. */
static int64_t span_of(const bn_product *product)
{
    return (product->weight->rows + RUN_STEP - 1) / RUN_STEP * RUN_STEP;
}

/* All ternary types take two bits a weight; a row that is a multiple of RUN_STEP begins a group of rows in each. */
static const uint8_t *row_of(const bn_matrix *weight, int64_t row)
{
    return (const uint8_t *)weight->data + (size_t)row * (size_t)weight->cols / 4;
}

/* y[i] = (or +=) (dot[i] - sum) * (scale / s): the dot product is exact, the factor is one for the row */
static void epilogue(const bn_product *product, const bn_quantized *x, int64_t r, int64_t row, size_t rows,
                     const int32_t *restrict dot)
{
    float *restrict y = product->y + r * product->y_stride + row;
    const int32_t sum = x->sum[r];
    const float factor = product->weight->scale / x->scale[r];
    if (product->accumulate) {
        for (size_t i = 0; i < rows; i++) y[i] += (float)(dot[i] - sum) * factor;
    } else {
        for (size_t i = 0; i < rows; i++) y[i] = (float)(dot[i] - sum) * factor;
    }
}

/* Rows [begin, end) of all products laid end to end, by one row of activations. */
static void run_of_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const linear *job = argument;
    const bn_product *product = job->products;
    int32_t dot[RUN_ROWS];
    while (begin < end) {
        const bn_matrix *weight = product->weight;
        const int64_t span = span_of(product);
        if (begin < span) {
            const int64_t last = end < weight->rows ? end : weight->rows;
            const size_t count = (size_t)(last - begin);
            const bn_gemv_fn gemv = job->gemv[bn_ternary_format(weight->type)];
            gemv(row_of(weight, begin), (size_t)weight->cols, count, job->x->q, dot);
            epilogue(product, job->x, 0, begin, count, dot);
            begin = span;
        }
        begin -= span;
        end -= span;
        product++;
    }
}

/* Tile `tile` of all products laid end to end: for each panel of weight rows, all blocks of activation rows. */
static void one_tile(const linear *job, int64_t tile)
{
    const int64_t blocks = (job->n + TOKENS - 1) / TOKENS;
    int64_t panel = tile / blocks;
    const bn_product *product = job->products;
    for (; panel >= panels_of(product); product++) panel -= panels_of(product);

    const bn_matrix *weight = product->weight;
    const int64_t row = panel * PANEL, first = tile % blocks * TOKENS;
    const size_t rows = (size_t)(weight->rows - row < PANEL ? weight->rows - row : PANEL);
    const size_t n = (size_t)(job->n - first < TOKENS ? job->n - first : TOKENS);
    int32_t dot[TOKENS * PANEL];
    const bn_gemm_fn gemm = job->gemm[bn_ternary_format(weight->type)];
    gemm(row_of(weight, row), (size_t)weight->cols, rows, job->x->q + first * job->x->stride, (size_t)job->x->stride, n,
         dot, PANEL);
    for (size_t r = 0; r < n; r++) epilogue(product, job->x, first + (int64_t)r, row, rows, dot + r * PANEL);
}

static void tiles(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    for (int64_t tile = begin; tile < end; tile++) one_tile(argument, tile);
}

static bn_status check_product(bn_context *ctx, const bn_product *product, int32_t i, const bn_quantized *x)
{
    const bn_matrix *weight = product->weight;
    if (weight == NULL || weight->data == NULL || product->y == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has a null pointer", i);
    if (bn_ternary_format(weight->type) < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_linear: product %d has weights of type %d, not I2_S (36) or I2_R16 (1016)", i, weight->type);
    if (bn_matrix_bytes(weight->type, weight->rows, weight->cols) == 0 || weight->cols > MAX_COLS)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has the impossible shape %lld x %lld", i,
                       (long long)weight->rows, (long long)weight->cols);
    if (weight->cols != x->cols)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has %lld inputs, x has %lld", i,
                       (long long)weight->cols, (long long)x->cols);
    if (product->y_stride < weight->rows)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has y_stride %lld for %lld outputs", i,
                       (long long)product->y_stride, (long long)weight->rows);
    return BN_OK;
}

static bn_status check(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    if (products == NULL || x == NULL || x->q == NULL || x->scale == NULL || x->sum == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: a pointer is null");
    if (count < 0 || n < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: %d products of %lld rows", count, (long long)n);
    if (x->stride != bn_quantized_stride(x->cols) || (uintptr_t)x->q % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: x has stride %lld for %lld columns, or is not 64-byte aligned",
                       (long long)x->stride, (long long)x->cols);
    for (int32_t i = 0; i < count; i++) {
        const bn_status status = check_product(ctx, &products[i], i, x);
        if (status != BN_OK) return status;
    }
    return BN_OK;
}

bn_status bn_linear(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = check(ctx, products, count, x, n);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    linear job = {.products = products, .x = x, .n = n};
    for (int32_t i = 0; i < count; i++) {
        const int32_t format = bn_ternary_format(products[i].weight->type);
        job.gemv[format] = (bn_gemv_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV, (bn_format)format);
        job.gemm[format] = (bn_gemm_fn)bn_kernel_of(ctx, BN_OPERATION_GEMM, (bn_format)format);
    }
    if (n == 1) {
        int64_t rows = 0;
        for (int32_t i = 0; i < count; i++) rows += span_of(&products[i]);
        int64_t run = RUN_BYTES / ((x->cols + 3) / 4) / RUN_STEP * RUN_STEP;
        run = run < RUN_STEP ? RUN_STEP : run > RUN_ROWS ? RUN_ROWS : run;
        bn_parallel(ctx, rows, run, run_of_rows, &job);
    } else {
        int64_t panels = 0;
        for (int32_t i = 0; i < count; i++) panels += panels_of(&products[i]);
        bn_parallel(ctx, panels * ((n + TOKENS - 1) / TOKENS), 1, tiles, &job);
    }
    return bn_leave(ctx);
}
