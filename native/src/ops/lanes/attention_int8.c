/*
 * Attention of a few queries over one chunk of one KV head whose keys and values are int8 with a step a position:
 * key p, element d = kstep[p] * (code - 128), value p, element d = vstep[p] * code. 16 positions are a block:
 *
 *   keys     16 steps | [dim / 4] lines of 64 bytes: position i has the elements 4 j .. 4 j + 3 in lane i of line j
 *   values   16 steps | [4][dim] quads: elements d of the positions 4 j .. 4 j + 3
 *
 * Four neighbouring bytes meet four bytes of a query, or four weights of positions, in one int32 lane, which belongs to
 * a position (scores) or to an element (values) from the first product to the last. Queries are quantised as keys are.
 * Weights have 14 bits, in two digits of seven, 128 high + low: a softmax may lie in many small weights beside a large
 * one, which eight bits would round to nothing. All sums are exact and fit an int32, whatever their order:
 *
 *   score   sum over d of (code - 128) * q[d]     255 * 127 * 512
 *   value   sum over p of w[p] * code             16383 * 127 * 256
 *   digits  127 * 127 * 2, a pair of products     fits an int16
 *
 * A chunk's keys and its values lie far apart. While keys are read and exponentials are taken the values are asked for,
 * and while values are read the keys of the next chunk: a line now and then, never many at once, for what is asked for
 * faster than memory delivers is forgotten, and has to be waited for when it is read. Keys are asked for once more
 * shortly before that.
 */
#include <math.h>

#include "kernels.h"
#include "ops/lanes/exponentials.h"
#include "ops/quads.h"

enum {
    BLOCK = BN_LANES,              /* positions of a block                                        */
    LINE = 4 * BN_LANES,           /* bytes                                                       */
    STEPS = BLOCK * sizeof(float), /* bytes before the codes of a block                           */
    DIGIT = 7,                     /* bits                                                        */
    WEIGHT_LEVELS = 16383,
    GROUP = 2 * BLOCK,             /* bytes of digits of 16 weights of one query: high, then low  */
    SHORTLY = 2 * 4096,            /* bytes                                                       */
    TILE_QUERIES = BN_VECTOR == 16 ? 4 : 2, /* queries whose sums the registers hold, over        */
    TILE_BLOCKS = BN_VECTOR == 16 ? 2 : 1,  /* blocks of keys                                     */
    TILE_LINES = BN_VECTOR == 16 ? 2 : 1    /* neighbouring lines of values                       */
};

/* Some queries, and what they need of a chunk. */
typedef struct tile {
    int8_t *query;                /* codes, [queries][BN_MAX_HEAD_DIM]                             */
    int8_t *weights;              /* digits, [positions / 16][queries][high, low][16]              */
    float *scores[TILE_QUERIES];  /* [256], then the positions' weights                            */
    float scale[TILE_QUERIES];    /* of scores, then the largest weight, then that of one level    */
    int32_t offset[TILE_QUERIES]; /* what the sums of products are too large by                    */
} tile;

/* Integers 0 .. 16383 as digits. */
BN_INLINE void store_digits(int8_t *to, bn_lanes_int x)
{
    bn_lanes_store_bytes(to, bn_lanes_int_right(x, DIGIT));
    bn_lanes_store_bytes(to + BLOCK, bn_lanes_int_and(x, (1 << DIGIT) - 1));
}

BN_INLINE bn_lanes_int join(bn_lanes_int high, bn_lanes_int low)
{
    return bn_lanes_int_add(bn_lanes_int_left(high, DIGIT), low);
}

/* Asks for `lines` lines of memory; gives what follows them. */
BN_INLINE const int8_t *ask(const int8_t *ahead, size_t lines)
{
    for (size_t i = 0; i < lines; i++) __builtin_prefetch(ahead + i * LINE, 0, 2);
    return ahead + lines * LINE;
}

/*
 * Scores of `queries` queries, but for a factor, for the positions of `wide` blocks, the first of them number `block`.
 * Asks for a line ahead whenever it has read one of each block.
 */
BN_INLINE const int8_t *score_blocks(size_t queries, size_t wide, const tile *t, size_t block, const int8_t *keys,
                                     size_t dim, const int8_t *ahead)
{
    const size_t bytes = BLOCK * (dim + sizeof(float));
    bn_lanes_int sum[TILE_BLOCKS][TILE_QUERIES];
    for (size_t b = 0; b < wide; b++) {
        ask(keys + b * bytes + SHORTLY, 1);
        for (size_t i = 0; i < queries; i++) sum[b][i] = bn_lanes_int_all(-t->offset[i]);
    }
    for (size_t d = 0; d < dim; d += 4) {
        ahead = ask(ahead, 1);
        for (size_t b = 0; b < wide; b++) {
            const int8_t *line = keys + b * bytes + STEPS + d / 4 * LINE;
            const bn_quads codes = bn_quads_load(line);
            ask(line + SHORTLY, 1);
            for (size_t i = 0; i < queries; i++)
                sum[b][i] = bn_lanes_add_excess_quads(sum[b][i], codes, bn_quads_all(t->query + i * BN_MAX_HEAD_DIM + d));
        }
    }
    for (size_t b = 0; b < wide; b++) {
        const bn_lanes steps = bn_lanes_load((const float *)(const void *)(keys + b * bytes));
        for (size_t i = 0; i < queries; i++)
            bn_lanes_store(t->scores[i] + (block + b) * BLOCK, bn_lanes_mul(bn_lanes_from_int(sum[b][i]), steps));
    }
    return ahead;
}

/* The same for `count` blocks. */
BN_INLINE const int8_t *score(size_t queries, const tile *t, const int8_t *keys, size_t dim, size_t count,
                              const int8_t *ahead)
{
    const size_t bytes = BLOCK * (dim + sizeof(float));
    size_t block = 0;
    for (; block + TILE_BLOCKS <= count; block += TILE_BLOCKS)
        ahead = score_blocks(queries, TILE_BLOCKS, t, block, keys + block * bytes, dim, ahead);
    for (; block < count; block++) ahead = score_blocks(queries, 1, t, block, keys + block * bytes, dim, ahead);
    return ahead;
}

/*
 * Exponentials of scores, their sum for each query into sums[i][1] beside the maximum in sums[i][0], and in their place
 * the positions' weights in units of the values' codes: exponential times step. The largest of them goes to t->scale.
 * Asks for what is left of the values.
 */
BN_INLINE void weigh(size_t queries, tile *t, const size_t *from, const size_t *limit, const int8_t *values, size_t dim,
                     size_t count, const int8_t *ahead, float *const *sums)
{
    const size_t bytes = BLOCK * (dim + sizeof(float));
    const size_t left = (size_t)(values + count * bytes - ahead) / LINE;
    const size_t lines = count == 0 ? 0 : left / (queries * count) + 1;
    bn_lanes top[TILE_QUERIES], sum[TILE_QUERIES];
    bn_lanes_int largest[TILE_QUERIES];
    for (size_t i = 0; i < queries; i++) {
        sums[i][0] = bn_scale_scores(t->scores[i], from[i], limit[i], t->scale[i]);
        top[i] = bn_lanes_all(sums[i][0]);
        sum[i] = bn_lanes_all(0);
        largest[i] = bn_lanes_int_zero();
    }
    for (size_t block = 0; block < count; block++, values += bytes) {
        const bn_lanes steps = bn_lanes_load((const float *)(const void *)values);
        for (size_t i = 0; i < queries; i++) {
            const size_t p = block * BLOCK;
            ahead = ask(ahead, lines);
            if (p >= limit[i]) continue;
            const bn_lanes e = bn_lanes_exp(bn_lanes_sub(bn_lanes_load(t->scores[i] + p), top[i]));
            sum[i] = bn_lanes_add(sum[i], e);
            bn_lanes w = bn_lanes_mul(e, steps);
            if (limit[i] - p < BLOCK) w = bn_lanes_keep(w, limit[i] - p, 0);
            largest[i] = bn_lanes_absmax(largest[i], w);
            bn_lanes_store(t->scores[i] + p, w);
        }
    }
    for (size_t i = 0; i < queries; i++) {
        sums[i][1] = bn_lanes_sum(sum[i]);
        t->scale[i] = bn_lanes_absmax_of(largest[i]);
    }
}

/*
 * w = round(weight * 16383 / the largest), zeros from `limit` to the end of `count` blocks and where the weights are not
 * finite; gives what one level is worth.
 */
static float quantize_weights(const float *weights, size_t limit, float largest, size_t count, int8_t *digits,
                              size_t stride)
{
    const int some = isfinite(largest) && largest > 0;
    const bn_lanes scale = bn_lanes_all(some ? WEIGHT_LEVELS / largest : 0);
    for (size_t p = 0; p < count * BLOCK; p += BLOCK, digits += stride) {
        const int zero = !some || p >= limit;
        store_digits(digits, zero ? bn_lanes_int_zero() : bn_lanes_round(bn_lanes_mul(bn_lanes_load(weights + p), scale)));
    }
    return largest / WEIGHT_LEVELS;
}

/*
 * Sums of the values of `count` blocks under the weights, for the elements of `wide` lines from `d` on: 16 each, or as
 * many as there are. Asks for as many lines as it reads.
 */
BN_INLINE const int8_t *add_lines(size_t queries, size_t wide, const tile *t, const int8_t *values, size_t dim,
                                  size_t d, size_t count, const int8_t *ahead, float *const *parts)
{
    const size_t bytes = BLOCK * (dim + sizeof(float));
    bn_lanes_int high[TILE_LINES][TILE_QUERIES], low[TILE_LINES][TILE_QUERIES];
    for (size_t l = 0; l < wide; l++)
        for (size_t i = 0; i < queries; i++) high[l][i] = low[l][i] = bn_lanes_int_zero();
    const int8_t *first = values + STEPS + 4 * d, *digits = t->weights;
    for (size_t block = 0; block < count; block++, first += bytes, digits += queries * GROUP) {
        for (size_t j = 0; j < 4; j++) {
            const int8_t *line = first + 4 * j * dim;
            bn_quads codes[TILE_LINES];
            for (size_t l = 0; l < wide; l++, line += LINE)
                codes[l] = dim - d >= BN_LANES ? bn_quads_load(line) : bn_quads_load_some(line, dim - d);
            ahead = ask(ahead, wide);
            for (size_t i = 0; i < queries; i++) {
                const bn_quads upper = bn_quads_all(digits + i * GROUP + 4 * j);
                const bn_quads lower = bn_quads_all(digits + i * GROUP + BLOCK + 4 * j);
                for (size_t l = 0; l < wide; l++) {
                    high[l][i] = bn_lanes_add_quads(high[l][i], upper, codes[l]);
                    low[l][i] = bn_lanes_add_quads(low[l][i], lower, codes[l]);
                }
            }
        }
    }
    for (size_t l = 0; l < wide; l++)
        for (size_t i = 0; i < queries; i++)
            bn_lanes_store(parts[i] + d + l * BN_LANES,
                           bn_lanes_mul(bn_lanes_from_int(join(high[l][i], low[l][i])), bn_lanes_all(t->scale[i])));
    return ahead;
}

/* The same for all elements. */
BN_INLINE void add_values(size_t queries, const tile *t, const int8_t *values, size_t dim, size_t count,
                          const int8_t *ahead, float *const *parts)
{
    size_t d = 0;
    for (; d + TILE_LINES * BN_LANES <= dim; d += TILE_LINES * BN_LANES)
        ahead = add_lines(queries, TILE_LINES, t, values, dim, d, count, ahead, parts);
    for (; d < dim; d += BN_LANES) ahead = add_lines(queries, 1, t, values, dim, d, count, ahead, parts);
}

BN_INLINE void attend(size_t queries, const bn_attention_chunk *chunk, size_t first, float *work)
{
    const size_t dim = chunk->head_dim, padded_dim = bn_attention_padded(dim);
    const size_t *limit = chunk->limit + first;
    tile t = {.query = (int8_t *)(void *)(work + TILE_QUERIES * BN_ATTENTION_CHUNK)};
    t.weights = t.query + TILE_QUERIES * BN_MAX_HEAD_DIM;
    float *sums[TILE_QUERIES];
    size_t longest = 0;
    for (size_t i = 0; i < queries; i++) {
        float scale;
        int32_t sum;
        BN_LANES_NAME(quantize)(chunk->query[first + i], dim, t.query + i * BN_MAX_HEAD_DIM, &scale, &sum);
        t.scores[i] = work + i * BN_ATTENTION_CHUNK;
        sums[i] = chunk->part[first + i] + padded_dim;
        t.scale[i] = chunk->scale / scale;
        t.offset[i] = BN_EXCESS * sum;
        longest = limit[i] > longest ? limit[i] : longest;
    }
    const size_t count = (longest + BLOCK - 1) / BLOCK;
    const int8_t *next_keys = (const int8_t *)chunk->keys + BN_ATTENTION_CHUNK * (dim + sizeof(float));
    const int8_t *ahead = score(queries, &t, chunk->keys, dim, count, chunk->values);
    weigh(queries, &t, chunk->from + first, limit, chunk->values, dim, count, ahead, sums);
    for (size_t i = 0; i < queries; i++)
        t.scale[i] = quantize_weights(t.scores[i], limit[i], t.scale[i], count, t.weights + i * GROUP, queries * GROUP);
    add_values(queries, &t, chunk->values, dim, count, next_keys, chunk->part + first);
}

void BN_LANES_NAME(attention_int8)(const bn_attention_chunk *chunk, float *work)
{
    size_t i = 0;
    for (; i + TILE_QUERIES <= chunk->queries; i += TILE_QUERIES) attend(TILE_QUERIES, chunk, i, work);
    for (; i < chunk->queries; i++) attend(1, chunk, i, work);
}
