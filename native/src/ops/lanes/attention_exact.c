/*
 * Attention of one query over an f32 cache in double precision: three passes over the positions that it sees, scores,
 * softmax, values. What comes out is rounded once, so it is the definition's result to the last bit but for ties.
 */
#include <math.h>

#include "kernels.h"
#include "ops/doubles.h"

/* scores[p] = q . key p * scale, 16 positions at a time; what the last 16 hold behind `count` has no meaning. */
static void score(const bn_exact_query *query, double *scores)
{
    const bn_doubles scale = bn_doubles_all((double)query->scale);
    const float *keys = query->keys;
    for (size_t p = 0; p < query->count; p += BN_LANES) {
        bn_doubles sum = bn_doubles_all(0);
        for (size_t d = 0; d < query->head_dim; d++, keys += BN_LANES)
            sum = bn_doubles_add_product(sum, bn_doubles_all((double)query->q[d]), bn_doubles_of(bn_lanes_load(keys)));
        bn_doubles_store(scores + p, bn_doubles_mul(sum, scale));
    }
}

/* scores -> exp(score - max), zero below `from` and behind `count`; gives their sum. */
static double exponentials(size_t from, size_t count, double *scores)
{
    double largest = -INFINITY;
    for (size_t p = from; p < count; p++) largest = scores[p] > largest ? scores[p] : largest;
    const bn_doubles top = bn_doubles_all(largest);
    for (size_t p = 0; p < count; p += BN_LANES)
        bn_doubles_store(scores + p, bn_doubles_exp(bn_doubles_sub(bn_doubles_load(scores + p), top)));
    for (size_t p = 0; p < from; p++) scores[p] = 0;
    for (size_t p = count; p % BN_LANES != 0; p++) scores[p] = 0;
    bn_doubles sum = bn_doubles_all(0);
    for (size_t p = 0; p < count; p += BN_LANES) sum = bn_doubles_add(sum, bn_doubles_load(scores + p));
    return bn_doubles_sum(sum);
}

/* out[d ..] = sum of weight * value over the positions / total, for `some` <= 16 elements from d on. */
BN_INLINE void values_at(const bn_exact_query *query, const double *weights, double total, size_t d, size_t some,
                         float *out)
{
    const float *value = query->values + d;
    bn_doubles sum = bn_doubles_all(0);
    for (size_t p = 0; p < query->count; p++, value += query->head_dim) {
        const bn_lanes v = some == BN_LANES ? bn_lanes_load(value) : bn_lanes_load_some(value, some);
        sum = bn_doubles_add_product(sum, bn_doubles_all(weights[p]), bn_doubles_of(v));
    }
    const bn_lanes result = bn_doubles_round(bn_doubles_div(sum, bn_doubles_all(total)));
    if (some == BN_LANES)
        bn_lanes_store(out + d, result);
    else
        bn_lanes_store_some(out + d, result, some);
}

void BN_LANES_NAME(attention_exact)(const bn_exact_query *query, double *scores, float *out)
{
    score(query, scores);
    const double total = exponentials(query->from, query->count, scores);
    size_t d = 0;
    for (; d + BN_LANES <= query->head_dim; d += BN_LANES) values_at(query, scores, total, d, BN_LANES, out);
    if (d < query->head_dim) values_at(query, scores, total, d, query->head_dim - d, out);
}
