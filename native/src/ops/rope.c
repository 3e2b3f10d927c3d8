/* RoPE, and storing keys and values in the cache. */
#include <string.h>

#include "attention.h"

static bn_status check_shape(bn_context *ctx, const char *operation, const bn_attention_shape *shape)
{
    if (shape->kv_heads <= 0 || shape->heads <= 0 || shape->heads % shape->kv_heads != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: %d heads are no multiple of %d KV heads", operation, shape->heads,
                       shape->kv_heads);
    if (shape->head_dim <= 0 || shape->head_dim > BN_MAX_HEAD_DIM || shape->head_dim % 4 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: head_dim %d is no multiple of 4 up to %d", operation,
                       shape->head_dim, BN_MAX_HEAD_DIM);
    if (shape->rope_dim < 0 || shape->rope_dim > shape->head_dim || shape->rope_dim % 2 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: rope_dim %d is odd or beyond head_dim %d", operation,
                       shape->rope_dim, shape->head_dim);
    if (shape->rope_style != BN_ROPE_HALVES && shape->rope_style != BN_ROPE_INTERLEAVED)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: no RoPE style has the number %d", operation, shape->rope_style);
    if (shape->layer < 0) return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: layer %d", operation, shape->layer);
    if (shape->window < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: a window of %d positions", operation, shape->window);
    return BN_OK;
}

bn_status bn_check_attention(bn_context *ctx, const char *operation, const bn_attention_shape *shape,
                             const bn_row *rows, int64_t n)
{
    if (shape == NULL || rows == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: a pointer is null", operation);
    if (n < 0) return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: %lld rows", operation, (long long)n);
    const bn_status status = check_shape(ctx, operation, shape);
    if (status != BN_OK) return status;
    for (int64_t r = 0; r < n; r++) {
        const bn_kv_cache *cache = rows[r].cache;
        if (cache == NULL || cache->keys == NULL || cache->values == NULL)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: row %lld has no cache", operation, (long long)r);
        if (cache->capacity % 16 != 0 || ((uintptr_t)cache->keys | (uintptr_t)cache->values) % 64 != 0)
            return bn_fail(ctx, BN_ERROR_ARGUMENT,
                           "%s: the cache of row %lld has capacity %lld, not a multiple of 16, or is not 64-byte aligned",
                           operation, (long long)r, (long long)cache->capacity);
        if (bn_cache_position(shape, cache) == 0)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: no type of cache has the number %d, which that of row %lld has",
                           operation, cache->type, (long long)r);
        if (cache->type != rows[0].cache->type)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: the cache of row %lld has type %d, that of row 0 type %d", operation,
                           (long long)r, cache->type, rows[0].cache->type);
        if (rows[r].position < 0 || rows[r].position >= cache->capacity)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s: position %lld of row %lld is outside a cache of %lld", operation,
                           (long long)rows[r].position, (long long)r, (long long)cache->capacity);
    }
    return BN_OK;
}

typedef struct rope_job {
    const bn_attention_shape *shape;
    const bn_row *rows;
    const float *rope;
    float *q;
    int64_t q_stride;
    const float *k, *v;
    int64_t kv_stride;
    bn_rope_fn rotate;
    bn_store_kv_fn store;
    bn_quantize_fn quantize;
} rope_job;

/* What the kernels of store_kv do, without rounding. */
static void store_f32(const rope_job *job, const float *rope, const float *k, const float *v, size_t lane,
                      float *key_block, float *value)
{
    const size_t dim = (size_t)job->shape->head_dim;
    float rotated[BN_MAX_HEAD_DIM];
    memcpy(rotated, k, dim * sizeof *k);
    job->rotate(job->shape, rope, 1, rotated);
    for (size_t d = 0; d < dim; d++) key_block[d * 16 + lane] = rotated[d];
    memcpy(value, v, dim * sizeof *v);
}

/* One row as codes and their step, which is NaN when the row is not finite. */
static float codes_of(const rope_job *job, const float *x, int8_t *codes)
{
    float scale;
    int32_t sum;
    job->quantize(x, (size_t)job->shape->head_dim, codes, &scale, &sum);
    return 1 / scale;
}

/* The same as int8, for position `lane` of a block of keys and of a block of values, both with 16 steps in front. */
static void store_int8(const rope_job *job, const float *rope, const float *k, const float *v, size_t lane, float *keys,
                       float *values)
{
    const size_t dim = (size_t)job->shape->head_dim;
    uint8_t *key = (uint8_t *)(keys + 16), *value = (uint8_t *)(values + 16);
    float rotated[BN_MAX_HEAD_DIM];
    int8_t codes[BN_MAX_HEAD_DIM];
    memcpy(rotated, k, dim * sizeof *k);
    job->rotate(job->shape, rope, 1, rotated);
    keys[lane] = codes_of(job, rotated, codes);
    for (size_t d = 0; d < dim; d++) key[(d / 4 * 16 + lane) * 4 + d % 4] = (uint8_t)(codes[d] + 128);
    values[lane] = codes_of(job, v, codes);
    for (size_t d = 0; d < dim; d++) value[(lane / 4 * dim + d) * 4 + lane % 4] = (uint8_t)codes[d];
}

static void rope_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const rope_job *job = argument;
    const bn_attention_shape *shape = job->shape;
    for (int64_t r = begin; r < end; r++) {
        const bn_kv_cache *cache = job->rows[r].cache;
        const size_t position = (size_t)job->rows[r].position, lane = position % 16, bytes = bn_cache_position(shape, cache);
        const float *rope = job->rope + position * (size_t)shape->rope_dim;
        job->rotate(shape, rope, (size_t)shape->heads, job->q + r * job->q_stride);
        for (int32_t head = 0; head < shape->kv_heads; head++) {
            const float *k = job->k + r * job->kv_stride + head * shape->head_dim;
            const float *v = job->v + r * job->kv_stride + head * shape->head_dim;
            const size_t row = bn_cache_head(shape, cache, head) + position * bytes, block = row - lane * bytes;
            void *keys = (uint8_t *)cache->keys + block, *values = (uint8_t *)cache->values + block;
            void *value = (uint8_t *)cache->values + row;
            switch ((bn_kv_type)cache->type) {
            case BN_KV_F16:
                job->store(shape, rope, k, v, lane, keys, value);
                break;
            case BN_KV_F32:
                store_f32(job, rope, k, v, lane, keys, value);
                break;
            case BN_KV_INT8:
                store_int8(job, rope, k, v, lane, keys, values);
                break;
            }
        }
    }
}

bn_status bn_rope_store(bn_context *ctx, const bn_attention_shape *shape, const bn_row *rows, int64_t n,
                        const float *rope, float *q, int64_t q_stride, const float *k, const float *v,
                        int64_t kv_stride)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = bn_check_attention(ctx, "bn_rope_store", shape, rows, n);
    if (status != BN_OK) return status;
    if (rope == NULL || q == NULL || k == NULL || v == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_rope_store: a pointer is null");
    if (q_stride < (int64_t)shape->heads * shape->head_dim || kv_stride < (int64_t)shape->kv_heads * shape->head_dim)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_rope_store: strides %lld, %lld for %d and %d heads of %d",
                       (long long)q_stride, (long long)kv_stride, shape->heads, shape->kv_heads, shape->head_dim);
    status = bn_enter(ctx);
    if (status != BN_OK) return status;

    rope_job job = {.shape = shape, .rows = rows, .rope = rope, .q = q, .k = k, .v = v};
    job.q_stride = q_stride;
    job.kv_stride = kv_stride;
    job.rotate = (bn_rope_fn)bn_kernel_of(ctx, BN_OPERATION_ROPE, BN_FORMAT_F32);
    job.store = (bn_store_kv_fn)bn_kernel_of(ctx, BN_OPERATION_STORE_KV, BN_FORMAT_F16);
    job.quantize = (bn_quantize_fn)bn_kernel_of(ctx, BN_OPERATION_QUANTIZE, BN_FORMAT_F32);
    /* Sixteen rows of a prefill share the cache lines of their keys: one thread writes them. */
    bn_parallel(ctx, n, 16, rope_rows, &job);
    return bn_leave(ctx);
}
