/* The softmax of one query over a chunk, before its division: what follows the scores, whatever keys they are of. */
#ifndef BN_EXPONENTIALS_H
#define BN_EXPONENTIALS_H

#include "ops/lanes.h"

/*
 * scores -> score * scale, minus infinity below `from` and from `limit` to the next multiple of 16; gives the largest.
 */
static inline float bn_scale_scores(float *scores, size_t from, size_t limit, float scale)
{
    const bn_lanes scales = bn_lanes_all(scale);
    bn_lanes largest = bn_lanes_all(-__builtin_inff());
    for (size_t k = 0; k < from; k++) scores[k] = -__builtin_inff();
    for (size_t k = 0; k < limit; k += BN_LANES) {
        bn_lanes s = bn_lanes_mul(bn_lanes_load(scores + k), scales);
        if (limit - k < BN_LANES)
            s = bn_lanes_keep(s, limit - k, -__builtin_inff());
        bn_lanes_store(scores + k, s);
        largest = bn_lanes_max(s, largest);
    }
    return bn_lanes_largest(largest);
}

/* scores of one query -> exp(score * scale - max), with zeros below `from` and from `limit` to the next multiple of 16. */
static inline void bn_exponentials(float *scores, size_t from, size_t limit, float scale, float *max, float *sum)
{
    *max = bn_scale_scores(scores, from, limit, scale);
    const bn_lanes top = bn_lanes_all(*max);
    bn_lanes sums = bn_lanes_all(0);
    for (size_t k = 0; k < limit; k += BN_LANES) {
        const bn_lanes e = bn_lanes_exp(bn_lanes_sub(bn_lanes_load(scores + k), top));
        sums = bn_lanes_add(sums, e);
        bn_lanes_store(scores + k, e);
    }
    *sum = bn_lanes_sum(sums);
}

#endif
