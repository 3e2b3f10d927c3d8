/* Trials of the output head: float products, the coarse and the closer pass and their packing, and embeddings. */
#include "formats/d31r16.h"
#include "ops/ops.h"
#include "trial.h"

enum { PANEL_ROWS = 32, LIST_ROWS = 16, GROUPS = 4, BITS_ROWS = 128 };

static size_t row_bytes(const bn_trial *trial)
{
    return bn_matrix_bytes(bn_type_of_float(trial->kernel.format), 1, trial->shape.cols);
}

/* A matrix of floats to read, x and y. */
static bn_status prepare(bn_trial *trial, bn_range_task pass, int64_t grain, size_t x, size_t y)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t bytes = bn_matrix_bytes(bn_type_of_float(trial->kernel.format), s->rows, s->cols);
    if (bytes == 0) return bn_trial_refuse(trial, "the shapes of its format");
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    trial->x = bn_trial_floats(trial, x);
    if (trial->x == NULL || !bn_trial_outputs(trial, y * sizeof(float), 0)) return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = s->rows;
    trial->grain = grain;
    trial->work = (bn_work){.bytes = (int64_t)bytes, .float_multiply_adds = s->rows * s->cols * s->n};
    return BN_OK;
}

static void panels(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_matmul_fn)trial->kernel.function)(bn_trial_matrix(trial) + (size_t)begin * row_bytes(trial),
                                           (size_t)trial->shape.cols, (size_t)(end - begin), trial->x,
                                           (size_t)trial->shape.n, bn_trial_out(trial, thread), PANEL_ROWS);
}

bn_status bn_trial_matmul(bn_trial *trial)
{
    const size_t n = (size_t)trial->shape.n;
    return prepare(trial, panels, PANEL_ROWS, n * (size_t)trial->shape.cols, n * PANEL_ROWS);
}

static void listed_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    ((bn_matmul_rows_fn)trial->kernel.function)(bn_trial_matrix(trial), (size_t)trial->shape.cols, trial->list + begin,
                                                (size_t)(end - begin), trial->x, bn_trial_out(trial, thread));
}

bn_status bn_trial_matmul_rows(bn_trial *trial)
{
    if (trial->shape.n != 1) return bn_trial_refuse(trial, "one row of activations, n = 1");
    const bn_status status =
        prepare(trial, listed_rows, LIST_ROWS, (size_t)trial->shape.cols, (size_t)trial->shape.rows);
    if (status != BN_OK) return status;
    if (!bn_trial_list(trial, (size_t)trial->shape.rows)) return BN_ERROR_MEMORY;
    trial->count = (int64_t)trial->listed;
    trial->work.bytes = (int64_t)(trial->listed * row_bytes(trial));
    trial->work.float_multiply_adds = trial->count * trial->shape.cols;
    return BN_OK;
}

/* Rows ids of the table, the list over and over. */
static void embeddings(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t i = begin; i < end; i++)
        ((bn_embed_fn)trial->kernel.function)(
            bn_trial_matrix(trial) + (size_t)trial->list[(size_t)i % trial->listed] * row_bytes(trial),
            (size_t)trial->shape.cols, bn_trial_out(trial, thread));
}

bn_status bn_trial_embed(bn_trial *trial)
{
    const bn_status status = prepare(trial, embeddings, bn_grain(trial->shape.cols), 1, (size_t)trial->shape.cols);
    if (status != BN_OK) return status;
    if (!bn_trial_list(trial, (size_t)trial->shape.rows)) return BN_ERROR_MEMORY;
    trial->count = trial->shape.n;
    trial->work = (bn_work){.bytes = trial->shape.n * (int64_t)row_bytes(trial)};
    return BN_OK;
}

/* ---- D31_R16 ---- */

static void groups(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t cols = (size_t)trial->shape.cols;
    ((bn_coarse_fn)trial->kernel.function)(bn_trial_matrix(trial) + (size_t)begin * bn_d31r16_group_bytes(cols), cols,
                                           (size_t)(end - begin), trial->q, cols, (size_t)trial->shape.n,
                                           bn_trial_out(trial, thread), GROUPS * BN_D31R16_ROWS);
}

bn_status bn_trial_coarse(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t bytes = bn_matrix_bytes(BN_TYPE_D31_R16, s->rows, s->cols);
    if (bytes == 0 || s->n > BN_COARSE_N)
        return bn_trial_refuse(trial, "up to 4 rows of activations and the shapes of its format");
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    trial->shape.density = 1;
    trial->q = bn_trial_bytes(trial, (size_t)(s->n * s->cols));
    if (trial->q == NULL || !bn_trial_outputs(trial, (size_t)s->n * GROUPS * BN_D31R16_ROWS * sizeof(int32_t), 0))
        return BN_ERROR_MEMORY;
    trial->pass = groups;
    trial->count = (int64_t)bn_d31r16_groups((size_t)s->rows);
    trial->grain = GROUPS;
    trial->work.bytes = (int64_t)bn_d31r16_bits_at((size_t)s->rows, (size_t)s->cols);
    trial->work.multiply_adds = s->n * s->rows * s->cols;
    return BN_OK;
}

static void listed_bits(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t rows = (size_t)trial->shape.rows, cols = (size_t)trial->shape.cols;
    const size_t bytes = bn_d31r16_bits_bytes(cols);
    const uint8_t *bits = bn_trial_matrix(trial) + bn_d31r16_bits_at(rows, cols);
    int32_t *sum = bn_trial_out(trial, thread);
    for (int64_t i = begin; i < end; i++) {
        const int64_t next = i + BN_D31R16_AHEAD;
        if (next < trial->count) bn_d31r16_ask(bits + (size_t)trial->list[next] * bytes, bytes);
        ((bn_bit_sum_fn)trial->kernel.function)(bits + (size_t)trial->list[i] * bytes, cols, trial->q, sum);
    }
}

bn_status bn_trial_bit_sum(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t bytes = bn_matrix_bytes(BN_TYPE_D31_R16, s->rows, s->cols);
    if (bytes == 0 || s->n != 1)
        return bn_trial_refuse(trial, "one row of activations, n = 1, and the shapes of its format");
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    trial->q = bn_trial_bytes(trial, (size_t)s->cols);
    if (trial->q == NULL || !bn_trial_outputs(trial, sizeof(int32_t), 0)) return BN_ERROR_MEMORY;
    if (!bn_trial_list(trial, (size_t)s->rows)) return BN_ERROR_MEMORY;
    trial->pass = listed_bits;
    trial->count = (int64_t)trial->listed;
    trial->grain = BITS_ROWS;
    trial->work.bytes = trial->count * (int64_t)bn_d31r16_bits_bytes((size_t)s->cols);
    trial->work.multiply_adds = trial->count * s->cols;
    return BN_OK;
}

/* Packs the same row for every one of the matrix. */
static void packed_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t cols = (size_t)trial->shape.cols;
    const size_t group = bn_d31r16_group_bytes(cols);
    uint8_t *lines = bn_trial_out(trial, thread);
    for (int64_t i = begin; i < end; i++) {
        bn_coarse_row row;
        ((bn_coarse_pack_fn)trial->kernel.function)(trial->x, cols, trial->x + cols, trial->x + 2 * cols,
                                                    lines + 4 * (i % BN_D31R16_ROWS), lines + group, &row);
    }
}

bn_status bn_trial_coarse_pack(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t cols = (size_t)s->cols, out = bn_d31r16_group_bytes(cols) + bn_d31r16_bits_bytes(cols);
    if (bn_matrix_bytes(BN_TYPE_D31_R16, s->rows, s->cols) == 0)
        return bn_trial_refuse(trial, "the shapes of its format");
    trial->x = bn_trial_floats(trial, 3 * cols);
    if (trial->x == NULL || !bn_trial_outputs(trial, out, 0)) return BN_ERROR_MEMORY;
    trial->pass = packed_rows;
    trial->count = s->rows;
    trial->grain = BN_D31R16_ROWS;
    trial->work.bytes = s->rows * s->cols * (int64_t)sizeof(float);
    return BN_OK;
}
