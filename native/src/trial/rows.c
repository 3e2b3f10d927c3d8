/* Trials of the kernels that take one row of floats: n rows of `cols`. */
#include "ops/ops.h"
#include "trial.h"

static const float *row_of(const bn_trial *trial, int64_t row)
{
    return trial->x + row * trial->shape.cols;
}

/* n rows of x and, behind them, one of weights. */
static bn_status prepare(bn_trial *trial, bn_range_task pass)
{
    const size_t cols = (size_t)trial->shape.cols;
    trial->x = bn_trial_floats(trial, (size_t)(trial->shape.n + 1) * cols);
    if (trial->x == NULL || !bn_trial_outputs(trial, (cols + 255) * sizeof(float), 0)) return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = trial->shape.n;
    trial->grain = bn_grain(trial->shape.cols);
    trial->work.bytes = trial->shape.n * trial->shape.cols * (int64_t)sizeof(float);
    return BN_OK;
}

/* Outputs of a product of one row: `cols` sums. */
static void epilogues(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t r = begin; r < end; r++)
        ((bn_epilogue_fn)trial->kernel.function)(trial->list, (size_t)trial->shape.cols, 1, 0.5f, BN_OUTPUTS_STORED,
                                                 bn_trial_out(trial, thread));
}

bn_status bn_trial_epilogue(bn_trial *trial)
{
    trial->list = bn_trial_room(trial, (size_t)trial->shape.cols * sizeof *trial->list);
    return trial->list == NULL ? BN_ERROR_MEMORY : prepare(trial, epilogues);
}

static void norms(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t r = begin; r < end; r++)
        ((bn_rms_norm_fn)trial->kernel.function)(row_of(trial, r), (size_t)trial->shape.cols, row_of(trial, trial->shape.n),
                                                 1e-5f, 0, bn_trial_out(trial, thread));
}

bn_status bn_trial_rms_norm(bn_trial *trial)
{
    return prepare(trial, norms);
}

static void quantized(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    float scale;
    int32_t sum;
    for (int64_t r = begin; r < end; r++)
        ((bn_quantize_fn)trial->kernel.function)(row_of(trial, r), (size_t)trial->shape.cols, bn_trial_out(trial, thread),
                                                 &scale, &sum);
}

bn_status bn_trial_quantize(bn_trial *trial)
{
    return prepare(trial, quantized);
}

/* gate = relu(gate)^2 * up, with gates and ups of 1, which stay 1. */
static void gates(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t r = begin; r < end; r++)
        ((bn_glu_fn)trial->kernel.function)(BN_ACTIVATION_RELU2, bn_trial_out(trial, thread), row_of(trial, r),
                                            (size_t)trial->shape.cols);
}

bn_status bn_trial_glu(bn_trial *trial)
{
    const bn_status status = prepare(trial, gates);
    if (status != BN_OK) return status;
    const int64_t cols = trial->shape.cols;
    for (int64_t i = 0; i < trial->shape.n * cols; i++) trial->x[i] = 1;
    for (int32_t t = 0; t < bn_context_threads(trial->ctx); t++)
        for (int64_t k = 0; k < cols; k++) ((float *)bn_trial_out(trial, t))[k] = 1;
    trial->work.bytes *= 2;
    return BN_OK;
}

static void softmaxes(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t r = begin; r < end; r++)
        ((bn_softmax_fn)trial->kernel.function)(row_of(trial, r), (size_t)trial->shape.cols, 0.6f,
                                                bn_trial_out(trial, thread));
}

bn_status bn_trial_softmax(bn_trial *trial)
{
    return prepare(trial, softmaxes);
}
