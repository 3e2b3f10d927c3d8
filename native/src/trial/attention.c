/*
 * Trials of attention. The shape: `rows` positions, cut into chunks of 256, heads of `cols` elements, n queries; for
 * rotating and storing, `rows` heads and n positions.
 */
#include "ops/attention.h"
#include "ops/ops.h"
#include "trial.h"

enum { CHUNK = BN_ATTENTION_CHUNK };

static size_t stride_of(const bn_trial *trial)
{
    return bn_attention_padded((size_t)trial->shape.cols) + 16;
}

static bool is_head(const bn_trial *trial)
{
    return trial->shape.cols % 4 == 0 && trial->shape.cols <= BN_MAX_HEAD_DIM;
}

static bn_attention_shape shape_of(const bn_trial *trial)
{
    const int32_t dim = (int32_t)trial->shape.cols;
    return (bn_attention_shape){.heads = 1, .kv_heads = 1, .head_dim = dim, .rope_dim = dim, .scale = 0.1f};
}

/* ---- chunks ---- */

/* Of a key, and of a value, in a cache of the kernel's format. */
static size_t position_bytes(const bn_trial *trial)
{
    const bn_attention_shape shape = shape_of(trial);
    const bn_kv_cache cache = {.type = trial->kernel.format == BN_FORMAT_INT8 ? BN_KV_INT8 : BN_KV_F16};
    return bn_cache_position(&shape, &cache);
}

static void chunks(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t dim = (size_t)trial->shape.cols;
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *keys = bn_trial_matrix(trial) + (size_t)i * CHUNK * position_bytes(trial);
        const uint8_t *values = keys + (size_t)trial->shape.rows * position_bytes(trial);
        bn_attention_chunk c = {.keys = keys, .values = values, .head_dim = dim, .scale = 0.1f};
        c.queries = (size_t)trial->shape.n;
        for (size_t k = 0; k < c.queries; k++) {
            c.query[k] = trial->x + k * dim;
            c.limit[k] = CHUNK;
            c.part[k] = (float *)bn_trial_out(trial, thread) + k * stride_of(trial);
        }
        ((bn_attention_fn)trial->kernel.function)(&c, bn_trial_scratch(trial, thread));
    }
}

bn_status bn_trial_attention(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    if (!is_head(trial) || s->rows % CHUNK != 0 || s->n > BN_ATTENTION_QUERIES)
        return bn_trial_refuse(trial, "multiples of 256 positions, heads of a multiple of 4 up to 512, and up to 32 queries");
    const size_t dim = (size_t)s->cols, n = (size_t)s->n;
    if (!bn_trial_matrices(trial, 2 * (size_t)s->rows * position_bytes(trial))) return BN_ERROR_ARGUMENT;
    trial->x = bn_trial_floats(trial, n * dim);
    if (trial->x == NULL ||
        !bn_trial_outputs(trial, n * stride_of(trial) * sizeof(float), bn_attention_work(dim) * sizeof(float)))
        return BN_ERROR_MEMORY;
    trial->pass = chunks;
    trial->count = s->rows / CHUNK;
    trial->grain = 1;
    trial->work = (bn_work){.bytes = (int64_t)trial->matrix_bytes, .float_multiply_adds = 2 * s->rows * s->cols * s->n};
    return BN_OK;
}

/* ---- partial results ---- */

static void merges(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t i = begin; i < end; i++)
        ((bn_attention_merge_fn)trial->kernel.function)(bn_trial_out(trial, thread), stride_of(trial),
                                                        (size_t)(trial->shape.rows / CHUNK), (size_t)trial->shape.cols);
}

static void finishes(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    for (int64_t i = begin; i < end; i++)
        ((bn_attention_finish_fn)trial->kernel.function)(trial->x, (size_t)trial->shape.cols, bn_trial_out(trial, thread));
}

/* n times `parts` parts, of equal maxima and of sums that leave the merged ones in range. */
static bn_status parts(bn_trial *trial, bn_range_task pass, size_t count)
{
    if (!is_head(trial) || count == 0)
        return bn_trial_refuse(trial, "multiples of 256 positions and heads of a multiple of 4 up to 512");
    trial->x = bn_trial_floats(trial, stride_of(trial));
    if (trial->x == NULL || !bn_trial_outputs(trial, count * stride_of(trial) * sizeof(float), 0)) return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = trial->shape.n;
    trial->grain = bn_grain((int64_t)count * trial->shape.cols);
    trial->work.bytes = trial->shape.n * (int64_t)(count * stride_of(trial) * sizeof(float));
    return BN_OK;
}

bn_status bn_trial_attention_merge(bn_trial *trial)
{
    return parts(trial, merges, (size_t)trial->shape.rows / CHUNK);
}

bn_status bn_trial_attention_finish(bn_trial *trial)
{
    return parts(trial, finishes, 1);
}

/* ---- in double ---- */

static void exact_queries(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const size_t dim = (size_t)trial->shape.cols, positions = (size_t)trial->shape.rows;
    const float *keys = (const float *)(const void *)bn_trial_matrix(trial);
    for (int64_t i = begin; i < end; i++) {
        const bn_exact_query query = {.q = trial->x, .keys = keys, .values = keys + positions * dim, .count = positions,
                                      .head_dim = dim, .scale = 0.1f};
        ((bn_attention_exact_fn)trial->kernel.function)(&query, bn_trial_scratch(trial, thread), bn_trial_out(trial, thread));
    }
}

bn_status bn_trial_attention_exact(bn_trial *trial)
{
    const bn_trial_shape *s = &trial->shape;
    if (!is_head(trial) || s->rows % 16 != 0)
        return bn_trial_refuse(trial, "multiples of 16 positions and heads of a multiple of 4 up to 512");
    if (!bn_trial_matrices(trial, 2 * (size_t)(s->rows * s->cols) * sizeof(float))) return BN_ERROR_ARGUMENT;
    trial->x = bn_trial_floats(trial, (size_t)s->cols);
    if (trial->x == NULL || !bn_trial_outputs(trial, (size_t)s->cols * sizeof(float), (size_t)s->rows * sizeof(double)))
        return BN_ERROR_MEMORY;
    trial->pass = exact_queries;
    trial->count = s->n;
    trial->grain = 1;
    trial->work = (bn_work){.bytes = (int64_t)trial->matrix_bytes, .float_multiply_adds = 2 * s->rows * s->cols * s->n};
    return BN_OK;
}

/* ---- rotating and storing ---- */

static void rotations(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const bn_attention_shape shape = shape_of(trial);
    for (int64_t i = begin; i < end; i++)
        ((bn_rope_fn)trial->kernel.function)(&shape, trial->x, (size_t)trial->shape.rows, bn_trial_out(trial, thread));
}

static void stores(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const bn_attention_shape shape = shape_of(trial);
    const size_t dim = (size_t)trial->shape.cols, heads = (size_t)trial->shape.rows;
    for (int64_t i = begin; i < end; i++) {
        for (size_t h = 0; h < heads; h++) {
            uint16_t *block = (uint16_t *)bn_trial_out(trial, thread) + h * 17 * dim;
            ((bn_store_kv_fn)trial->kernel.function)(&shape, trial->x, trial->x + dim, trial->x + 2 * dim, (size_t)i % 16, block,
                                                     block + 16 * dim);
        }
    }
}

/* Cosines and sines, a key and a value; outputs of `width` elements a head. */
static bn_status positions(bn_trial *trial, bn_range_task pass, size_t width)
{
    if (!is_head(trial)) return bn_trial_refuse(trial, "heads of a multiple of 4 up to 512");
    trial->x = bn_trial_floats(trial, 3 * (size_t)trial->shape.cols);
    if (trial->x == NULL || !bn_trial_outputs(trial, (size_t)trial->shape.rows * width * sizeof(float), 0))
        return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = trial->shape.n;
    trial->grain = bn_grain(trial->shape.rows * trial->shape.cols);
    trial->work.bytes = trial->shape.n * trial->shape.rows * trial->shape.cols * (int64_t)sizeof(float);
    return BN_OK;
}

bn_status bn_trial_rope(bn_trial *trial)
{
    return positions(trial, rotations, (size_t)trial->shape.cols);
}

bn_status bn_trial_store_kv(bn_trial *trial)
{
    return positions(trial, stores, 17 * (size_t)trial->shape.cols);
}
