/* RMS norm, quantisation and gating of many rows: arguments are checked and rows handed to the row kernels. */
#include "ops.h"

typedef struct rows_job {
    const float *x;
    float *gate;
    const float *up;
    float *y;
    int64_t stride;
    int64_t cols;
    const float *weight;
    float eps;
    int32_t accumulate;
    int32_t activation;
    const bn_quantized *out;
    float *normed; /* room for a row of each thread */
    bn_rms_norm_fn rms_norm;
    bn_quantize_fn quantize;
    bn_glu_fn glu;
} rows_job;

static bn_status check_rows(bn_context *ctx, const char *operation, int64_t n, int64_t cols, int64_t stride)
{
    if (n < 0 || cols <= 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: %lld rows of %lld columns", operation, (long long)n, (long long)cols);
    if (stride < cols)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: stride %lld for %lld columns", operation, (long long)stride,
                       (long long)cols);
    return BN_OK;
}

static bn_status check_quantized(bn_context *ctx, const char *operation, int64_t cols, const bn_quantized *out)
{
    if (out == NULL || out->q == NULL || out->scale == NULL || out->sum == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: a pointer of the quantised rows is null", operation);
    if (out->cols != cols || out->stride != bn_quantized_stride(cols))
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: quantised rows of %lld columns and stride %lld for x of %lld columns",
                       operation, (long long)out->cols, (long long)out->stride, (long long)cols);
    if ((uintptr_t)out->q % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: the quantised rows are not 64-byte aligned", operation);
    return BN_OK;
}

static void rms_norm_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const rows_job *job = argument;
    for (int64_t r = begin; r < end; r++)
        job->rms_norm(job->x + r * job->cols, (size_t)job->cols, job->weight, job->eps, job->accumulate,
                      job->y + r * job->cols);
}

bn_status bn_rms_norm(bn_context *ctx, const float *x, int64_t n, int64_t cols, const float *weight, float eps,
                      float *y, int32_t accumulate)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (x == NULL || weight == NULL || y == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_rms_norm: a pointer is null");
    bn_status status = check_rows(ctx, "bn_rms_norm", n, cols, cols);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    rows_job job = {.x = x, .y = y, .cols = cols, .weight = weight, .eps = eps, .accumulate = accumulate};
    job.rms_norm = (bn_rms_norm_fn)bn_kernel_of(ctx, BN_OPERATION_RMS_NORM, BN_FORMAT_F32);
    bn_parallel(ctx, n, bn_grain(cols), rms_norm_rows, &job);
    return bn_leave(ctx);
}

/* Dividing by the root mean square takes most of the time, so a normed row is kept for its two readings. */
static void quantize_row(const rows_job *job, const float *x, int64_t r, float *normed)
{
    const bn_quantized *out = job->out;
    const size_t cols = (size_t)job->cols;
    if (job->weight != NULL) {
        job->rms_norm(x, cols, job->weight, job->eps, 0, normed);
        x = normed;
    }
    job->quantize(x, cols, out->q + r * out->stride, out->scale + r, out->sum + r);
}

static void quantize_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const rows_job *job = argument;
    for (int64_t r = begin; r < end; r++)
        quantize_row(job, job->x + r * job->cols, r, job->normed + thread * job->out->stride);
}

bn_status bn_quantize(bn_context *ctx, const float *x, int64_t n, int64_t cols, const float *weight, float eps,
                      const bn_quantized *out)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (x == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_quantize: x is null");
    bn_status status = check_rows(ctx, "bn_quantize", n, cols, cols);
    if (status == BN_OK) status = check_quantized(ctx, "bn_quantize", cols, out);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    rows_job job = {.x = x, .cols = cols, .weight = weight, .eps = eps, .out = out};
    job.normed = bn_context_scratch(ctx, (size_t)(bn_context_threads(ctx) * out->stride) * sizeof *job.normed);
    if (job.normed == NULL) {
        bn_leave(ctx);
        return BN_ERROR_MEMORY;
    }
    job.rms_norm = (bn_rms_norm_fn)bn_kernel_of(ctx, BN_OPERATION_RMS_NORM, BN_FORMAT_F32);
    job.quantize = (bn_quantize_fn)bn_kernel_of(ctx, BN_OPERATION_QUANTIZE, BN_FORMAT_F32);
    bn_parallel(ctx, n, bn_grain(cols), quantize_rows, &job);
    return bn_leave(ctx);
}

/* The row is gated and, while it is in cache, normed in its place and quantised. */
static void glu_quantize_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const rows_job *job = argument;
    for (int64_t r = begin; r < end; r++) {
        float *gate = job->gate + r * job->stride;
        job->glu(job->activation, gate, job->up + r * job->stride, (size_t)job->cols);
        quantize_row(job, gate, r, gate);
    }
}

bn_status bn_glu_quantize(bn_context *ctx, int32_t activation, float *gate, const float *up, int64_t stride, int64_t n,
                          int64_t cols, const float *weight, float eps, const bn_quantized *out)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (gate == NULL || up == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_glu_quantize: a pointer is null");
    if (activation < BN_ACTIVATION_RELU2 || activation > BN_ACTIVATION_GELU)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_glu_quantize: no activation has the number %d", activation);
    bn_status status = check_rows(ctx, "bn_glu_quantize", n, cols, stride);
    if (status == BN_OK) status = check_quantized(ctx, "bn_glu_quantize", cols, out);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    rows_job job = {.gate = gate, .up = up, .stride = stride, .cols = cols, .weight = weight, .eps = eps, .out = out};
    job.activation = activation;
    job.glu = (bn_glu_fn)bn_kernel_of(ctx, BN_OPERATION_GLU, BN_FORMAT_F32);
    job.rms_norm = (bn_rms_norm_fn)bn_kernel_of(ctx, BN_OPERATION_RMS_NORM, BN_FORMAT_F32);
    job.quantize = (bn_quantize_fn)bn_kernel_of(ctx, BN_OPERATION_QUANTIZE, BN_FORMAT_F32);
    bn_parallel(ctx, n, bn_grain(2 * cols), glu_quantize_rows, &job);
    return bn_leave(ctx);
}
