/* Trials of the product of many rows by many, both packed, and of the packing. */
#include <string.h>

#include "formats/i2s.h"
#include "formats/packed.h"
#include "trial.h"

enum { STRIDE = BN_GEMM_PACKED_ROWS + 16, CODES = 0x24 /* 0, 2, 1, 0 */ };

static bool is_packable(const bn_trial *trial)
{
    return trial->shape.cols % BN_I2S_BLOCK == 0;
}

/* ---- packing ---- */

static void weights(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t cols = (size_t)trial->shape.cols;
    ((bn_pack_weights_fn)trial->kernel.function)(bn_trial_matrix(trial) + (size_t)begin * bn_i2s_row_bytes(cols), cols,
                                                 (size_t)(end - begin), (size_t)begin % BN_PACKED_ROWS, BN_PACKED_ROWS,
                                                 bn_trial_out(trial, thread));
}

bn_status bn_trial_pack_weights(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    if (!is_packable(trial)) return bn_trial_refuse(trial, "multiples of 128 columns");
    const size_t bytes = bn_matrix_bytes(BN_TYPE_I2_S, s->rows, s->cols);
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    if (!bn_trial_outputs(trial, bn_packed_weights_bytes(BN_PACKED_ROWS, (size_t)s->cols), 0)) return BN_ERROR_MEMORY;
    trial->pass = weights;
    trial->count = s->rows;
    trial->grain = BN_PACKED_GROUP;
    trial->work.bytes = (int64_t)bytes;
    return BN_OK;
}

static void tokens(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const int64_t stride = bn_quantized_stride(trial->shape.cols);
    ((bn_pack_tokens_fn)trial->kernel.function)(trial->q + begin * stride, (size_t)stride, (size_t)trial->shape.cols,
                                                (size_t)(end - begin), bn_trial_out(trial, thread));
}

bn_status bn_trial_pack_tokens(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    if (!is_packable(trial)) return bn_trial_refuse(trial, "multiples of 128 columns");
    trial->shape.density = 1;
    trial->q = bn_trial_bytes(trial, (size_t)(s->n * bn_quantized_stride(s->cols)));
    if (trial->q == NULL || !bn_trial_outputs(trial, bn_packed_tokens_bytes((size_t)s->cols), 0)) return BN_ERROR_MEMORY;
    trial->pass = tokens;
    trial->count = s->n;
    trial->grain = BN_PACKED_BLOCK;
    trial->work.bytes = s->n * s->cols;
    return BN_OK;
}

/* ---- the product ---- */

/* As few panels as there can be with as many for each thread, all of so many rows. */
static int64_t panels_of(const bn_trial *trial)
{
    const int64_t threads = bn_context_threads(trial->ctx);
    return (trial->shape.rows - 1) / BN_GEMM_PACKED_ROWS / threads * threads + threads;
}

static size_t panel_rows(const bn_trial *trial)
{
    return (size_t)((trial->shape.rows - 1) / panels_of(trial) / BN_PACKED_ROWS + 1) * BN_PACKED_ROWS;
}

static void panels(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t cols = (size_t)trial->shape.cols, rows = panel_rows(trial);
    for (int64_t i = begin; i < end; i++)
        ((bn_gemm_packed_fn)trial->kernel.function)(
            trial->memory + (size_t)i * bn_packed_weights_bytes(rows, cols), cols, rows, trial->q, (size_t)trial->shape.n,
            bn_trial_out(trial, thread), STRIDE, bn_trial_scratch(trial, thread));
}

/* Panels as the packing makes them, which reads no code 3; they take the place of the memory. */
static bool pack_panels(bn_trial *trial)
{
    const size_t cols = (size_t)trial->shape.cols, rows = panel_rows(trial), bytes = bn_packed_weights_bytes(rows, cols);
    const int32_t row = bn_kernel_select(BN_OPERATION_PACK_WEIGHTS, BN_FORMAT_I2_S, BN_ISA_SCALAR);
    const bn_pack_weights_fn pack = (bn_pack_weights_fn)bn_kernel_at(row)->function;
    uint8_t *i2s = bn_trial_room(trial, BN_PACKED_GROUP * bn_i2s_row_bytes(cols));
    uint8_t *all = bn_trial_room(trial, (size_t)panels_of(trial) * bytes);
    if (i2s == NULL || all == NULL) return false;
    memset(i2s, CODES, BN_PACKED_GROUP * bn_i2s_row_bytes(cols));
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP) pack(i2s, cols, BN_PACKED_GROUP, r, rows, all);
    for (int64_t i = 1; i < panels_of(trial); i++) memcpy(all + (size_t)i * bytes, all, bytes);
    trial->memory = all;
    return true;
}

bn_status bn_trial_gemm_packed(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    if (!is_packable(trial) || s->n > BN_PACKED_BLOCK)
        return bn_trial_refuse(trial, "multiples of 128 columns and up to 64 rows of activations");
    trial->shape.density = 1;
    trial->q = bn_trial_bytes(trial, bn_packed_tokens_bytes((size_t)s->cols));
    if (trial->q == NULL || !pack_panels(trial) ||
        !bn_trial_outputs(trial, BN_PACKED_BLOCK * STRIDE * sizeof(int32_t), BN_GEMM_PACKED_SCRATCH))
        return BN_ERROR_MEMORY;
    trial->pass = panels;
    trial->count = panels_of(trial);
    trial->grain = 1;
    const int64_t weights = trial->count * (int64_t)panel_rows(trial) * s->cols;
    trial->work = (bn_work){.bytes = weights / 4, .multiply_adds = weights * s->n};
    return BN_OK;
}
