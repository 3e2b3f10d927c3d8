/* Trials of the integer products with ternary weights, of what prepares them, and of the multiply-add that bounds them. */
#include "formats/i2c.h"
#include "formats/i2s.h"
#include "ops/ops.h"
#include "trial.h"

enum {
    STREAM_ROWS = 512, /* rows of a piece of a matrix-vector product, or somewhat fewer */
    TILE_ROWS = 64,
    TILE_TOKENS = 96,
    VERIFY_BYTES = 256 * 1024,
    PEAK_STEPS = 20 * 1000, /* of a piece, some microseconds */
    PEAK_PIECES = 4         /* a thread                      */
};

static size_t bytes_of(const bn_trial *trial, int64_t rows)
{
    return bn_matrix_bytes(bn_type_of_ternary(trial->kernel.format), rows, trial->shape.cols);
}

/* Where a row that begins a group of rows lies. */
static const uint8_t *row_at(const bn_trial *trial, int64_t row)
{
    return bn_trial_matrix(trial) + bytes_of(trial, row);
}

/* The columns that the kernel is given. */
static size_t cols_of(const bn_trial *trial)
{
    const size_t cols = (size_t)trial->shape.cols;
    return trial->kernel.format == BN_FORMAT_I2_S ? bn_i2s_whole(cols) : cols;
}

/* Weights, activations and the work of a pass over a share of them. */
static bn_status prepare(bn_trial *trial, bn_range_task pass, int64_t grain, size_t out_bytes, size_t scratch_bytes)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t bytes = bytes_of(trial, s->rows);
    if (bytes == 0) return bn_trial_refuse(trial, "the shapes of its format");
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    trial->q = bn_trial_bytes(trial, (size_t)(s->n * bn_quantized_stride(s->cols)));
    if (trial->q == NULL || !bn_trial_outputs(trial, out_bytes, scratch_bytes)) return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = s->rows;
    trial->grain = grain;
    trial->work = (bn_work){.bytes = (int64_t)bytes, .multiply_adds = s->rows * s->cols * s->n};
    return BN_OK;
}

/* ---- one row of activations ---- */

static void stream(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_gemv_fn)trial->kernel.function)(row_at(trial, begin), cols_of(trial), (size_t)(end - begin), trial->q,
                                         bn_trial_out(trial, thread));
}

bn_status bn_trial_gemv(bn_trial *trial)
{
    if (trial->shape.n != 1) return bn_trial_refuse(trial, "one row of activations, n = 1");
    if (trial->kernel.format != BN_FORMAT_I2_C) trial->shape.density = 1;
    const int64_t group = bn_ternary_group(bn_type_of_ternary(trial->kernel.format));
    const bn_status status = prepare(trial, stream, STREAM_ROWS / group * group, STREAM_ROWS * sizeof(int32_t), 0);
    if (status != BN_OK || trial->kernel.format != BN_FORMAT_I2_C) return status;
    int64_t used = 0;
    for (int64_t k = 0; k < trial->shape.cols; k++) used += trial->q[k] != 0;
    trial->work = (bn_work){.bytes = used * trial->shape.rows / 4, .multiply_adds = used * trial->shape.rows};
    return BN_OK;
}

/* Pieces of the list. */
static void chosen_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_gemv_rows_fn)trial->kernel.function)(bn_trial_matrix(trial), cols_of(trial), trial->list + begin,
                                              (size_t)(end - begin), trial->listed - (size_t)end, trial->q,
                                              bn_trial_out(trial, thread));
}

bn_status bn_trial_gemv_rows(bn_trial *trial)
{
    if (trial->shape.n != 1) return bn_trial_refuse(trial, "one row of activations, n = 1");
    const bn_status status = prepare(trial, chosen_rows, STREAM_ROWS, STREAM_ROWS * sizeof(int32_t), 0);
    if (status != BN_OK) return status;
    if (!bn_trial_list(trial, (size_t)trial->shape.rows)) return BN_ERROR_MEMORY;
    const int64_t listed = (int64_t)trial->listed;
    trial->count = listed;
    trial->work.bytes = trial->work.bytes / trial->shape.rows * listed;
    trial->work.multiply_adds = listed * trial->shape.cols;
    return BN_OK;
}

/* ---- several rows of activations ---- */

static void tiles(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const int64_t stride = bn_quantized_stride(trial->shape.cols);
    const uint8_t *w = row_at(trial, begin);
    for (int64_t t = 0; t < trial->shape.n; t += TILE_TOKENS) {
        const int64_t n = trial->shape.n - t < TILE_TOKENS ? trial->shape.n - t : TILE_TOKENS;
        ((bn_gemm_fn)trial->kernel.function)(w, cols_of(trial), (size_t)(end - begin), trial->q + t * stride,
                                             (size_t)stride, (size_t)n, bn_trial_out(trial, thread), TILE_ROWS);
    }
}

bn_status bn_trial_gemm(bn_trial *trial)
{
    trial->shape.density = 1;
    return prepare(trial, tiles, TILE_ROWS, TILE_ROWS * TILE_TOKENS * sizeof(int32_t), 0);
}

/* ---- other types turned into I2_S ---- */

/* Group by group into the same place. */
static void unpacked_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_unpack_fn)trial->kernel.function)(row_at(trial, begin), (size_t)trial->shape.cols, (size_t)(end - begin),
                                           bn_trial_out(trial, thread));
}

bn_status bn_trial_unpack(bn_trial *trial)
{
    const bn_status status = prepare(trial, unpacked_rows, BN_I2C_STRIP,
                                     BN_I2C_STRIP * bn_i2s_row_bytes((size_t)trial->shape.cols), 0);
    trial->work.multiply_adds = 0;
    return status;
}

/* ---- weights only read ---- */

static void verified(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    int32_t *found = bn_trial_out(trial, thread);
    *found |= ((bn_verify_fn)trial->kernel.function)(bn_trial_matrix(trial) + begin, (size_t)(end - begin));
}

bn_status bn_trial_verify(bn_trial *trial)
{
    const bn_status status = prepare(trial, verified, VERIFY_BYTES, sizeof(int32_t), 0);
    trial->count = trial->work.bytes;
    trial->work.multiply_adds = 0;
    return status;
}

/* ---- the peak ---- */

static void multiply_add(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_peak_fn)trial->kernel.function)((const uint8_t *)trial->q, trial->q, (size_t)(end - begin),
                                         bn_trial_out(trial, thread));
}

/* Whatever the shape: as many steps for each thread. */
bn_status bn_trial_peak(bn_trial *trial)
{
    trial->q = bn_trial_bytes(trial, BN_PEAK_COLS);
    if (trial->q == NULL || !bn_trial_outputs(trial, sizeof(int32_t), 0)) return BN_ERROR_MEMORY;
    trial->pass = multiply_add;
    trial->count = (int64_t)bn_context_threads(trial->ctx) * PEAK_PIECES * PEAK_STEPS;
    trial->grain = PEAK_STEPS;
    trial->work.multiply_adds = trial->count * BN_PEAK_COLS;
    return BN_OK;
}
