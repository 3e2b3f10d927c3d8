/*
 * Attention of a few queries over one chunk of one KV head whose keys and values are int8 with a step a position:
 * key p, element d = kstep[p] * (code - 128), value p, element d = vstep[p] * code. 16 positions are a block:
 *
 *   keys     16 steps | [dim / 4] lines of 64 bytes: position i has the elements 4 j .. 4 j + 3 in lane i of line j
 *   values   16 steps | [4][dim] quads: elements d of the positions 4 j .. 4 j + 3
 *
 * Four neighbouring bytes meet four bytes of a query, or four weights of positions, in one int32 lane, which belongs to
 * a position (scores) or to an element (values) from the first product to the last. Queries and weights are integers
 * of 14 bits, two digits of seven: 128 high + low. All sums are exact and fit an int32, whatever their order:
 *
 *   score   sum over d of (code - 128) * q[d] = sum of code * q[d] - 128 * sum of q[d]    code <= 255, |q| <= 8191, d < 512
 *   value   sum over p of w[p] * code                                                     w <= 16383, p < 256
 *   pairs   255 * 64 * 2 and 127 * 127 * 2 fit an int16
 *
 * A chunk's keys and its values lie far apart. While the keys are read the values are asked for, and while the values
 * are read the keys of the next chunk.
 */
#include <math.h>

#include "kernels.h"
#include "ops/lanes.h"
#include "ops/lanes/exponentials.h"

enum {
    BLOCK = BN_LANES,                 /* positions of a block */
    LINE = 4 * BN_LANES,              /* bytes */
    STEPS = BLOCK * sizeof(float),    /* bytes before the codes of a block */
    DIGIT = 7,                        /* bits */
    QUERY_LEVELS = 8191,
    WEIGHT_LEVELS = 16383,
    TILE_QUERIES = BN_VECTOR == 16 ? 4 : 2, /* queries whose sums the registers hold */
    GROUP = 2 * BLOCK                 /* bytes of digits of 16 integers of one query: high, then low */
};

/* Some queries of a tile. Digits lie as [elements or positions / 16][queries][high, low][16]. */
typedef struct tile {
    float *scores[TILE_QUERIES];  /* [256], then their exponentials              */
    float scale[TILE_QUERIES];    /* what turns its integers into floats         */
    int32_t offset[TILE_QUERIES]; /* 128 times the sum of a query's integers     */
    int8_t *query;                /* digits of the queries                       */
    int8_t *weights;              /* digits of the weights of the positions      */
} tile;

/* Integers as digits; low ones of signed integers are -64 .. 63. */
BN_INLINE void store_digits(int8_t *to, bn_lanes_int x, int32_t least)
{
    const bn_lanes_int bias = bn_lanes_int_all(least);
    const bn_lanes_int low = bn_lanes_int_add(bn_lanes_int_and(bn_lanes_int_sub(x, bias), (1 << DIGIT) - 1), bias);
    bn_lanes_store_bytes(to, bn_lanes_int_right(bn_lanes_int_sub(x, low), DIGIT));
    bn_lanes_store_bytes(to + BLOCK, low);
}

BN_INLINE bn_lanes_int join(bn_lanes_int high, bn_lanes_int low)
{
    return bn_lanes_int_add(bn_lanes_int_left(high, DIGIT), low);
}

/* q = round(x * 8191 / max(absmax(x), 1e-5)), zeros when x is not finite; gives the step, then NaN, and 128 sum(q). */
static float quantize_query(const float *x, size_t dim, int8_t *digits, size_t stride, int32_t *offset)
{
    const size_t whole = dim & ~(size_t)(BN_LANES - 1);
    const bn_lanes tail = bn_lanes_load_some(x + whole, dim - whole);
    bn_lanes_int largest = bn_lanes_absmax(bn_lanes_int_zero(), tail);
    for (size_t d = 0; d < whole; d += BN_LANES) largest = bn_lanes_absmax(largest, bn_lanes_load(x + d));
    const float absmax = bn_lanes_absmax_of(largest);
    const int finite = isfinite(absmax);
    const float bound = absmax > 1e-5f ? absmax : 1e-5f;
    const bn_lanes scale = bn_lanes_all(QUERY_LEVELS / bound);
    bn_lanes_int sum = bn_lanes_int_zero();
    for (size_t d = 0; d < dim; d += BN_LANES, digits += stride) {
        const bn_lanes some = d < whole ? bn_lanes_load(x + d) : tail;
        const bn_lanes_int q = finite ? bn_lanes_round(bn_lanes_mul(some, scale)) : bn_lanes_int_zero();
        sum = bn_lanes_int_add(sum, q);
        store_digits(digits, q, -64);
    }
    *offset = 128 * bn_lanes_int_sum(sum);
    return finite ? bound / QUERY_LEVELS : NAN;
}

/* Scores of `queries` queries, but for a factor, for the positions of `count` blocks. */
BN_INLINE void score(size_t queries, const tile *t, const int8_t *keys, size_t dim, size_t count, const int8_t *ahead)
{
    for (size_t block = 0; block < count; block++) {
        bn_lanes_int high[TILE_QUERIES], low[TILE_QUERIES];
        for (size_t i = 0; i < queries; i++) high[i] = low[i] = bn_lanes_int_zero();
        const bn_lanes steps = bn_lanes_load((const float *)(const void *)keys);
        keys += STEPS;
        ahead += STEPS;
        for (size_t d = 0; d < dim; d += 4, keys += LINE, ahead += LINE) {
            const int8_t *digits = t->query + d / BLOCK * queries * GROUP + d % BLOCK;
            const bn_quads codes = bn_quads_load(keys);
            __builtin_prefetch(ahead, 0, 2);
            for (size_t i = 0; i < queries; i++) {
                high[i] = bn_lanes_add_quads(high[i], codes, bn_quads_all(digits + i * GROUP));
                low[i] = bn_lanes_add_quads(low[i], codes, bn_quads_all(digits + i * GROUP + BLOCK));
            }
        }
        for (size_t i = 0; i < queries; i++) {
            const bn_lanes_int sum = bn_lanes_int_sub(join(high[i], low[i]), bn_lanes_int_all(t->offset[i]));
            bn_lanes_store(t->scores[i] + block * BLOCK, bn_lanes_mul(bn_lanes_from_int(sum), steps));
        }
    }
}

/* A position's weight in units of the values' codes: its exponential times its step, in `scores`; gives the largest. */
static float weigh(float *scores, size_t limit, const int8_t *values, size_t dim)
{
    bn_lanes_int largest = bn_lanes_int_zero();
    for (size_t p = 0; p < limit; p += BLOCK, values += BLOCK * (dim + sizeof(float))) {
        bn_lanes w = bn_lanes_mul(bn_lanes_load(scores + p), bn_lanes_load((const float *)(const void *)values));
        if (limit - p < BLOCK) w = bn_lanes_keep(w, limit - p, 0);
        largest = bn_lanes_absmax(largest, w);
        bn_lanes_store(scores + p, w);
    }
    return bn_lanes_absmax_of(largest);
}

/*
 * w = round(weight * 16383 / the largest), zeros from `limit` to the end of `count` blocks and where the weights are not
 * finite; gives what one level is worth.
 */
static float quantize_weights(float *scores, size_t limit, size_t count, const int8_t *values, size_t dim,
                              int8_t *digits, size_t stride)
{
    const float largest = weigh(scores, limit, values, dim);
    const int some = isfinite(largest) && largest > 0;
    const bn_lanes scale = bn_lanes_all(some ? WEIGHT_LEVELS / largest : 0);
    for (size_t p = 0; p < count * BLOCK; p += BLOCK, digits += stride) {
        const int zero = !some || p >= limit;
        store_digits(digits, zero ? bn_lanes_int_zero() : bn_lanes_round(bn_lanes_mul(bn_lanes_load(scores + p), scale)), 0);
    }
    return largest / WEIGHT_LEVELS;
}

/* Sums of the values of `count` blocks under the weights, for 16 elements at a time. */
BN_INLINE void add_values(size_t queries, const tile *t, const int8_t *values, size_t dim, size_t count,
                          const int8_t *ahead, float *const *parts)
{
    const size_t block_bytes = BLOCK * (dim + sizeof(float));
    for (size_t d = 0; d < dim; d += BN_LANES) {
        bn_lanes_int high[TILE_QUERIES], low[TILE_QUERIES];
        for (size_t i = 0; i < queries; i++) high[i] = low[i] = bn_lanes_int_zero();
        const int8_t *line = values + STEPS + 4 * d, *digits = t->weights;
        for (size_t block = 0; block < count; block++, line += block_bytes, digits += queries * GROUP) {
            for (size_t j = 0; j < 4; j++, ahead += LINE) {
                const int8_t *quads = line + 4 * j * dim;
                const bn_quads codes = dim - d >= BN_LANES ? bn_quads_load(quads) : bn_quads_load_some(quads, dim - d);
                __builtin_prefetch(ahead, 0, 2);
                for (size_t i = 0; i < queries; i++) {
                    high[i] = bn_lanes_add_quads(high[i], bn_quads_all(digits + i * GROUP + 4 * j), codes);
                    low[i] = bn_lanes_add_quads(low[i], bn_quads_all(digits + i * GROUP + BLOCK + 4 * j), codes);
                }
            }
        }
        for (size_t i = 0; i < queries; i++)
            bn_lanes_store(parts[i] + d, bn_lanes_mul(bn_lanes_from_int(join(high[i], low[i])), bn_lanes_all(t->scale[i])));
    }
}

BN_INLINE void attend(size_t queries, const bn_attention_chunk *chunk, size_t first, float *work)
{
    const size_t dim = chunk->head_dim, padded_dim = bn_attention_padded(dim);
    const size_t stride = queries * GROUP;
    const size_t *limit = chunk->limit + first;
    tile t = {.query = (int8_t *)(void *)(work + TILE_QUERIES * BN_ATTENTION_CHUNK)};
    t.weights = t.query + padded_dim / BLOCK * stride;
    size_t longest = 0;
    for (size_t i = 0; i < queries; i++) {
        t.scores[i] = work + i * BN_ATTENTION_CHUNK;
        t.scale[i] = quantize_query(chunk->query[first + i], dim, t.query + i * GROUP, stride, &t.offset[i]);
        longest = limit[i] > longest ? limit[i] : longest;
    }
    const size_t count = (longest + BLOCK - 1) / BLOCK;
    const int8_t *next_keys = (const int8_t *)chunk->keys + BN_ATTENTION_CHUNK * (dim + sizeof(float));
    score(queries, &t, chunk->keys, dim, count, chunk->values);
    for (size_t i = 0; i < queries; i++) {
        float *sums = chunk->part[first + i] + padded_dim;
        bn_exponentials(t.scores[i], limit[i], t.scale[i] * chunk->scale, sums, sums + 1);
        t.scale[i] = quantize_weights(t.scores[i], limit[i], count, chunk->values, dim, t.weights + i * GROUP, stride);
    }
    add_values(queries, &t, chunk->values, dim, count, next_keys, chunk->part + first);
}

void BN_LANES_NAME(attention_int8)(const bn_attention_chunk *chunk, float *work)
{
    size_t i = 0;
    for (; i + TILE_QUERIES <= chunk->queries; i += TILE_QUERIES) attend(TILE_QUERIES, chunk, i, work);
    for (; i < chunk->queries; i++) attend(1, chunk, i, work);
}
