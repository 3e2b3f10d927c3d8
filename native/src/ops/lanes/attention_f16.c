/*
 * Attention of a few queries over one chunk of one KV head whose keys and values are f16.
 *
 * Both products of attention are the same small matrix product, a few queries times 32 positions at a time:
 *   scores [query][position] = q [query][d]        * K [d][position]     the cache keeps K so, 16 positions wide
 *   acc    [query][d]       += p [query][position] * V [position][d]
 * For many queries K and V of 32 positions are turned from f16 into floats once; 32 x 128 floats are 16 KB and stay in
 * the first-level cache. A sum goes over d, or over the positions of a chunk, one after the other, so neither the
 * number of queries that share the work nor the ISA can change a bit.
 *
 * A chunk's keys and its values lie far apart. While the keys are read the values are asked for, and while the values
 * are read the keys of the next chunk.
 */
#include "kernels.h"
#include "ops/lanes.h"
#include "ops/lanes/exponentials.h"

enum { SPAN = 32 };

/*
 * A tile of sums: four queries by as many blocks of 16 columns as the registers hold. Queries share a register of K or V,
 * columns a broadcast element of a query: loads, not multiplications, would be the limit.
 */
enum { TILE_QUERIES = 4, TILE_COLUMNS = BN_VECTOR == 16 ? 2 : 1 };

/*
 * A matrix as blocks of 16 columns: element (k, 16 j + i) at [k * row_stride + j * block_stride + i], of floats, or of
 * halves that are turned into floats as they are read. Halves ask for what lies as far from `ahead`.
 */
typedef struct blocks {
    const float *floats;
    const uint16_t *halves, *ahead;
    size_t row_stride;
    size_t block_stride;
} blocks;

BN_INLINE bn_lanes load_row(const blocks *b, size_t at, int half)
{
    if (!half) return bn_lanes_load(b->floats + at);
    __builtin_prefetch(b->ahead + at, 0, 2);
    return bn_lanes_load_half(b->halves + at);
}

/*
 * c[i][16 j ..] (+)= sum over k < depth of a[i][k] * b[k][16 j ..], for `queries` rows i and the blocks j, .. j + wide - 1.
 * queries, wide, accumulate and half are constants where this is inlined.
 */
BN_INLINE void product_tile(size_t queries, size_t wide, const float *const *a, size_t depth, const blocks *b, size_t j,
                            float *const *c, int accumulate, int half)
{
    bn_lanes sum[TILE_COLUMNS][TILE_QUERIES];
    for (size_t w = 0; w < wide; w++)
        for (size_t i = 0; i < queries; i++)
            sum[w][i] = accumulate ? bn_lanes_load(c[i] + (j + w) * BN_LANES) : bn_lanes_all(0);
    for (size_t k = 0; k < depth; k++) {
        bn_lanes row[TILE_COLUMNS];
        for (size_t w = 0; w < wide; w++) row[w] = load_row(b, k * b->row_stride + (j + w) * b->block_stride, half);
        for (size_t i = 0; i < queries; i++) {
            const bn_lanes x = bn_lanes_load_all(a[i] + k);
            for (size_t w = 0; w < wide; w++) sum[w][i] = bn_lanes_add_product(sum[w][i], x, row[w]);
        }
    }
    for (size_t w = 0; w < wide; w++)
        for (size_t i = 0; i < queries; i++) bn_lanes_store(c[i] + (j + w) * BN_LANES, sum[w][i]);
}

/* The same for `columns` blocks. */
BN_INLINE void product(size_t queries, const float *const *a, size_t depth, const blocks *b, size_t columns,
                       float *const *c, int accumulate, int half)
{
    size_t j = 0;
    for (; j + TILE_COLUMNS <= columns; j += TILE_COLUMNS)
        product_tile(queries, TILE_COLUMNS, a, depth, b, j, c, accumulate, half);
    for (; j < columns; j++) product_tile(queries, 1, a, depth, b, j, c, accumulate, half);
}

/* How many of the span's positions from `first` on a query sees. */
BN_INLINE size_t seen(const bn_attention_chunk *chunk, size_t query, size_t first)
{
    const size_t limit = chunk->limit[query];
    return limit <= first ? 0 : limit - first < SPAN ? limit - first : SPAN;
}

/* Blocks of 16 that `count` positions take. */
BN_INLINE size_t blocks_of(size_t count)
{
    return (count + BN_LANES - 1) / BN_LANES;
}

/* Scores of every query for those of the span's positions from `first` on that it sees, and up to a multiple of 16. */
BN_INLINE void score_span(const bn_attention_chunk *chunk, size_t first, const blocks *keys, float *scores, int half)
{
    size_t i = 0;
    for (; i + TILE_QUERIES <= chunk->queries; i += TILE_QUERIES) {
        float *c[TILE_QUERIES];
        size_t count = 0;
        for (size_t j = 0; j < TILE_QUERIES; j++) {
            c[j] = scores + (i + j) * BN_ATTENTION_CHUNK + first;
            const size_t own = seen(chunk, i + j, first);
            count = own > count ? own : count;
        }
        product(TILE_QUERIES, chunk->query + i, chunk->head_dim, keys, blocks_of(count), c, 0, half);
    }
    for (; i < chunk->queries; i++) {
        float *c[1] = {scores + i * BN_ATTENTION_CHUNK + first};
        product(1, chunk->query + i, chunk->head_dim, keys, blocks_of(seen(chunk, i, first)), c, 0, half);
    }
}

/* The same matrix from row `row` on. */
BN_INLINE blocks rows_from(const blocks *b, size_t row)
{
    const size_t at = row * b->row_stride;
    return (blocks){b->floats + at, b->halves + at, b->ahead + at, b->row_stride, b->block_stride};
}

/*
 * Adds the values of one span to every query's sum. Four queries go together as far as all four see; the rest of each
 * goes alone, so that no query ever touches a value behind its own position, not even times zero.
 */
BN_INLINE void value_span(const bn_attention_chunk *chunk, size_t first, const blocks *values, size_t columns,
                          const float *scores, int half)
{
    for (size_t i = 0; i < chunk->queries; i += TILE_QUERIES) {
        const size_t group = chunk->queries - i < TILE_QUERIES ? chunk->queries - i : TILE_QUERIES;
        const float *a[TILE_QUERIES];
        float *c[TILE_QUERIES];
        size_t common = group == TILE_QUERIES ? SPAN : 0;
        for (size_t j = 0; j < group; j++) {
            a[j] = scores + (i + j) * BN_ATTENTION_CHUNK + first;
            c[j] = chunk->part[i + j];
            const size_t count = seen(chunk, i + j, first);
            common = count < common ? count : common;
        }
        if (common > 0)
            product(TILE_QUERIES, a, common, values, columns, c, 1, half);
        const blocks rest = rows_from(values, common);
        for (size_t j = 0; j < group; j++) {
            const float *alone[1] = {a[j] + common};
            const size_t count = seen(chunk, i + j, first);
            if (count > common)
                product(1, alone, count - common, &rest, columns, c + j, 1, half);
        }
    }
}

/* `count` rows of f16 values as floats, rows padded with zeros to padded_dim. */
static void load_values(const uint16_t *values, const uint16_t *ahead, size_t count, size_t dim, size_t padded_dim,
                        float *to)
{
    for (size_t i = 0; i < count; i++, values += dim, ahead += dim, to += padded_dim) {
        size_t d = 0;
        for (; d + BN_LANES <= dim; d += BN_LANES) {
            __builtin_prefetch(ahead + d, 0, 2);
            bn_lanes_store(to + d, bn_lanes_load_half(values + d));
        }
        if (d < dim)
            bn_lanes_store(to + d, bn_lanes_load_half_some(values + d, dim - d));
    }
}

/* half: keys and values are turned into floats as they are read, which pays when one tile of queries reads them. */
BN_INLINE void attend(const bn_attention_chunk *chunk, float *work, size_t longest, int half)
{
    const size_t dim = chunk->head_dim, padded_dim = bn_attention_padded(dim);
    const uint16_t *keys = chunk->keys, *values = chunk->values, *next_keys = keys + BN_ATTENTION_CHUNK * dim;
    float *span = work;
    float *scores = work + SPAN * padded_dim;

    for (size_t first = 0; first < longest; first += SPAN) {
        const size_t count = longest - first < SPAN ? longest - first : SPAN, at = first * dim;
        const blocks b = {span, keys + at, values + at, BN_LANES, dim * BN_LANES};
        for (size_t k = 0; k < blocks_of(count) * dim * BN_LANES && !half; k += BN_LANES) {
            __builtin_prefetch(values + at + k, 0, 2);
            bn_lanes_store(span + k, bn_lanes_load_half(keys + at + k));
        }
        score_span(chunk, first, &b, scores, half);
    }
    for (size_t i = 0; i < chunk->queries; i++) {
        float *part = chunk->part[i];
        memset(part, 0, padded_dim * sizeof *part);
        bn_exponentials(scores + i * BN_ATTENTION_CHUNK, chunk->from[i], chunk->limit[i], chunk->scale,
                        part + padded_dim, part + padded_dim + 1);
    }
    for (size_t first = 0; first < longest; first += SPAN) {
        const size_t count = longest - first < SPAN ? longest - first : SPAN, at = first * dim;
        const blocks b = {span, values + at, next_keys + at, padded_dim, BN_LANES};
        if (!half) load_values(values + at, next_keys + at, count, dim, padded_dim, span);
        value_span(chunk, first, &b, padded_dim / BN_LANES, scores, half);
    }
}

/*
 * part[i] of each query: [0, padded_dim) the sum of exp(score - max) * v over the positions that it sees, then max and
 * the sum of exp(score - max). A query that sees nothing of the chunk gets max -infinity and zeros.
 */
void BN_LANES_NAME(attention_f16)(const bn_attention_chunk *chunk, float *work)
{
    size_t longest = 0;
    for (size_t i = 0; i < chunk->queries; i++)
        longest = chunk->limit[i] > longest ? chunk->limit[i] : longest;
    if (chunk->queries <= TILE_QUERIES && chunk->head_dim % BN_LANES == 0)
        attend(chunk, work, longest, 1);
    else
        attend(chunk, work, longest, 0);
}
