/* Products with float matrices (the output head), and embeddings. */
#include "ops.h"

enum {
    STREAM_BYTES = 64 * 1024, /* weights of one piece when a single row of x streams through them       */
    PANEL_BYTES = 128 * 1024, /* and when several rows share a panel, which stays in second-level cache */
    PANEL_ROWS = 32,
    TOKENS = 64 /* rows of x of one piece */
};

typedef struct matmul_job {
    const uint8_t *weights;
    size_t row_bytes;
    int64_t rows, cols;
    int64_t panel; /* rows of weights of one piece */
    const float *x;
    int64_t n;
    float *y;
    int64_t y_stride;
    bn_matmul_fn matmul;
} matmul_job;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Piece i: a panel of weights and a block of rows of x, the panels of one block side by side. */
static void panels(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const matmul_job *job = argument;
    const int64_t blocks = ceil_div(job->n, TOKENS);
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = i / blocks * job->panel, first = i % blocks * TOKENS;
        const int64_t rows = job->rows - row < job->panel ? job->rows - row : job->panel;
        const int64_t n = job->n - first < TOKENS ? job->n - first : TOKENS;
        job->matmul(job->weights + (size_t)row * job->row_bytes, (size_t)job->cols, (size_t)rows,
                    job->x + first * job->cols, (size_t)n, job->y + first * job->y_stride + row, (size_t)job->y_stride);
    }
}

bn_status bn_check_float_matrix(bn_context *ctx, const char *operation, const bn_matrix *matrix)
{
    if (matrix == NULL || matrix->data == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: the matrix is null", operation);
    if (bn_float_format(matrix->type) < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: type %d is none of F32 (0), F16 (1), Q4_0 (2), Q5_0 (6), Q8_0 (8), Q4_K (12), "
                       "Q6_K (14), BF16 (30)",
                       operation, matrix->type);
    if (bn_matrix_bytes(matrix->type, matrix->rows, matrix->cols) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: the matrix has the impossible shape %lld x %lld", operation,
                       (long long)matrix->rows, (long long)matrix->cols);
    return BN_OK;
}

bn_status bn_matmul(bn_context *ctx, const bn_matrix *weight, const float *x, int64_t n, float *y, int64_t y_stride)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = bn_check_float_matrix(ctx, "bn_matmul", weight);
    if (status != BN_OK) return status;
    if (x == NULL || y == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul: a pointer is null");
    if (n < 0 || y_stride < weight->rows)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul: %lld rows, y_stride %lld for %lld outputs", (long long)n,
                       (long long)y_stride, (long long)weight->rows);
    status = bn_enter(ctx);
    if (status != BN_OK) return status;

    matmul_job job = {.weights = weight->data, .rows = weight->rows, .cols = weight->cols, .x = x, .n = n, .y = y};
    job.y_stride = y_stride;
    job.row_bytes = bn_matrix_bytes(weight->type, 1, weight->cols);
    job.matmul = (bn_matmul_fn)bn_kernel_of(ctx, BN_OPERATION_MATMUL, (bn_format)bn_float_format(weight->type));
    const int64_t fit = (int64_t)((n == 1 ? STREAM_BYTES : PANEL_BYTES) / job.row_bytes);
    job.panel = fit < 2 ? 2 : n > 1 && fit > PANEL_ROWS ? PANEL_ROWS : fit;
    bn_parallel(ctx, ceil_div(weight->rows, job.panel) * ceil_div(n, TOKENS), 1, panels, &job);
    bn_count(ctx, (bn_work){.bytes = (int64_t)job.row_bytes * weight->rows,
                            .float_multiply_adds = n * weight->rows * weight->cols});
    return bn_leave(ctx);
}

typedef struct embed_job {
    const uint8_t *table;
    size_t row_bytes;
    int64_t cols;
    const int32_t *ids;
    float factor;
    float *x;
    bn_embed_fn embed;
} embed_job;

static void embed_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const embed_job *job = argument;
    for (int64_t r = begin; r < end; r++) {
        float *x = job->x + r * job->cols;
        job->embed(job->table + (size_t)job->ids[r] * job->row_bytes, (size_t)job->cols, x);
        for (int64_t k = 0; job->factor != 1 && k < job->cols; k++) x[k] *= job->factor;
    }
}

bn_status bn_embed(bn_context *ctx, const bn_matrix *table, const int32_t *ids, int64_t n, float factor, float *x)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = bn_check_float_matrix(ctx, "bn_embed", table);
    if (status != BN_OK) return status;
    if (ids == NULL || x == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_embed: a pointer is null");
    if (n < 0) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_embed: %lld rows", (long long)n);
    for (int64_t r = 0; r < n; r++)
        if (ids[r] < 0 || ids[r] >= table->rows)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_embed: id %d of row %lld is outside a table of %lld rows", ids[r],
                           (long long)r, (long long)table->rows);
    status = bn_enter(ctx);
    if (status != BN_OK) return status;

    embed_job job = {.table = table->data, .cols = table->cols, .ids = ids, .factor = factor, .x = x};
    job.row_bytes = bn_matrix_bytes(table->type, 1, table->cols);
    job.embed = (bn_embed_fn)bn_kernel_of(ctx, BN_OPERATION_EMBED, (bn_format)bn_float_format(table->type));
    bn_parallel(ctx, n, bn_grain(table->cols), embed_rows, &job);
    bn_count(ctx, (bn_work){.bytes = n * (int64_t)job.row_bytes});
    return bn_leave(ctx);
}
