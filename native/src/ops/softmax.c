/* Softmax of many rows. */
#include <math.h>

#include "ops.h"

typedef struct softmax_job {
    const float *x;
    int64_t cols;
    float temperature;
    float *y;
    bn_softmax_fn softmax;
} softmax_job;

static void softmax_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const softmax_job *job = argument;
    for (int64_t r = begin; r < end; r++)
        job->softmax(job->x + r * job->cols, (size_t)job->cols, job->temperature, job->y + r * job->cols);
}

bn_status bn_softmax(bn_context *ctx, const float *x, int64_t n, int64_t cols, float temperature, float *y)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (x == NULL || y == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_softmax: a pointer is null");
    if (n < 0 || cols <= 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_softmax: %lld rows of %lld columns", (long long)n, (long long)cols);
    if (!(temperature > 0) || isinf(temperature))
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_softmax: the temperature is %g", (double)temperature);
    const bn_status status = bn_enter(ctx);
    if (status != BN_OK) return status;

    softmax_job job = {.x = x, .cols = cols, .temperature = temperature, .y = y};
    job.softmax = (bn_softmax_fn)bn_kernel_of(ctx, BN_OPERATION_SOFTMAX, BN_FORMAT_F32);
    bn_parallel(ctx, n, bn_grain(2 * cols), softmax_rows, &job);
    return bn_leave(ctx);
}
