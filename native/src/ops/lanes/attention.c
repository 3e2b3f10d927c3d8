/* What every kind of attention over chunks ends with: the merging of chunks (online softmax, arXiv:1805.02867). */
#include "kernels.h"
#include "ops/lanes.h"

/*
 * Folds parts 1 .. count - 1, in this order, into part 0: with M the larger maximum, both sums are brought to it by
 * exp(max - M). Chunks that a query does not see must not be among them.
 */
void BN_LANES_NAME(attention_merge)(float *restrict parts, size_t stride, size_t count, size_t head_dim)
{
    const size_t padded_dim = bn_attention_padded(head_dim);
    float *max = parts + padded_dim, *sum = max + 1;
    for (size_t i = 1; i < count; i++) {
        const float *part = parts + i * stride;
        const float part_max = part[padded_dim], part_sum = part[padded_dim + 1];
        const float top = *max > part_max ? *max : part_max;
        const bn_lanes mine = bn_lanes_exp(bn_lanes_all(*max - top));
        const bn_lanes theirs = bn_lanes_exp(bn_lanes_all(part_max - top));
        for (size_t d = 0; d < padded_dim; d += BN_LANES) {
            const bn_lanes scaled = bn_lanes_mul(bn_lanes_load(parts + d), mine);
            bn_lanes_store(parts + d, bn_lanes_add_product(scaled, bn_lanes_load(part + d), theirs));
        }
        *sum = *sum * bn_lanes_first(mine) + part_sum * bn_lanes_first(theirs);
        *max = top;
    }
}

/* out = the part's weighted values / its sum of weights. */
void BN_LANES_NAME(attention_finish)(const float *restrict part, size_t head_dim, float *restrict out)
{
    const bn_lanes sum = bn_lanes_all(part[bn_attention_padded(head_dim) + 1]);
    size_t d = 0;
    for (; d + BN_LANES <= head_dim; d += BN_LANES)
        bn_lanes_store(out + d, bn_lanes_div(bn_lanes_load(part + d), sum));
    if (d < head_dim)
        bn_lanes_store_some(out + d, bn_lanes_div(bn_lanes_load(part + d), sum), head_dim - d);
}
