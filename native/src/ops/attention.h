/* Where a sequence's keys and values lie in its cache. */
#ifndef BN_OPS_ATTENTION_H
#define BN_OPS_ATTENTION_H

#include "context.h"

/* Checks the shape and every row; `operation` names the caller in the sentence. */
bn_status bn_check_attention(bn_context *ctx, const char *operation, const bn_attention_shape *shape,
                             const bn_row *rows, int64_t n);

/* Bytes that a position's key takes in one head, and its value too. */
static inline size_t bn_cache_position(const bn_attention_shape *shape, const bn_kv_cache *cache)
{
    const size_t dim = (size_t)shape->head_dim;
    switch ((bn_kv_type)cache->type) {
    case BN_KV_F16:
        return dim * sizeof(uint16_t);
    case BN_KV_F32:
        return dim * sizeof(float);
    case BN_KV_INT8:
        return dim + sizeof(float);
    }
    return 0;
}

/* The first byte of a layer's KV head, of keys and of values alike. */
static inline size_t bn_cache_head(const bn_attention_shape *shape, const bn_kv_cache *cache, int32_t kv_head)
{
    const size_t head = (size_t)shape->layer * (size_t)shape->kv_heads + (size_t)kv_head;
    return head * (size_t)cache->capacity * bn_cache_position(shape, cache);
}

#endif
