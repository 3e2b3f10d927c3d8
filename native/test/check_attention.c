/* Attention over one chunk, the folding of chunks and the last division. */
#include <math.h>
#include <string.h>

#include "check_float.h"

enum { CHUNK = BN_ATTENTION_CHUNK, QUERIES = BN_ATTENTION_QUERIES, MOST_DIM = 512, MOST_STRIDE = MOST_DIM + 16 };

static const size_t DIMS[] = {4, 12, 16, 64, 100, 128, 256, 512, 0};

/* Keys and values as the cache holds them, NaN in whatever no query may see, and as numbers. */
typedef struct chunk_data {
    size_t dim, longest;
    bn_format format;
    size_t position_bytes;
    uint8_t keys[CHUNK * MOST_DIM * sizeof(uint16_t)], values[CHUNK * MOST_DIM * sizeof(uint16_t)];
    float key[CHUNK * MOST_DIM], value[CHUNK * MOST_DIM], value_step[CHUNK];
    float q[QUERIES * MOST_DIM];
} chunk_data;

static void put_half(uint8_t *to, size_t index, float *number, uint64_t *random)
{
    const uint16_t half = half_nearest(float_random(random));
    memcpy(to + index * sizeof half, &half, sizeof half);
    *number = half_value(half);
}

static void fill_half(chunk_data *c, uint64_t *random)
{
    const size_t dim = c->dim;
    for (size_t p = 0; p < c->longest; p++) {
        for (size_t d = 0; d < dim; d++) {
            put_half(c->keys, (p / 16 * dim + d) * 16 + p % 16, &c->key[p * dim + d], random);
            put_half(c->values, p * dim + d, &c->value[p * dim + d], random);
        }
    }
}

static int random_code(int extreme, uint64_t *random)
{
    const int code = (int)(check_random(random) % 255) - 127;
    return !extreme ? code : code < -100 ? -127 : 127;
}

static float random_step(int extreme, uint64_t *random)
{
    return extreme ? 1.0f / 127 : (1 + fabsf(float_random(random))) / 254;
}

/* extreme: the largest codes, under the largest codes of queries and digits of weights. */
static void fill_int8(chunk_data *c, int extreme, uint64_t *random)
{
    const size_t dim = c->dim;
    for (size_t p = 0; p < c->longest; p++) {
        const size_t block = p / 16 * 16 * c->position_bytes, lane = p % 16;
        const float key_step = random_step(extreme, random);
        c->value_step[p] = random_step(extreme, random);
        memcpy(c->keys + block + lane * sizeof(float), &key_step, sizeof(float));
        memcpy(c->values + block + lane * sizeof(float), &c->value_step[p], sizeof(float));
        for (size_t d = 0; d < dim; d++) {
            const int key = random_code(extreme, random), value = random_code(extreme, random);
            c->keys[block + 64 + (d / 4 * 16 + lane) * 4 + d % 4] = (uint8_t)(key + 128);
            c->values[block + 64 + (lane / 4 * dim + d) * 4 + lane % 4] = (uint8_t)value;
            c->key[p * dim + d] = (float)key * key_step;
            c->value[p * dim + d] = (float)value * c->value_step[p];
        }
    }
}

static void fill_chunk(chunk_data *c, bn_format format, size_t dim, size_t longest, int extreme, uint64_t *random)
{
    c->dim = dim;
    c->longest = longest;
    c->format = format;
    c->position_bytes = format == BN_FORMAT_INT8 ? dim + sizeof(float) : dim * sizeof(uint16_t);
    memset(c->keys, 0xff, sizeof c->keys);
    memset(c->values, 0xff, sizeof c->values);
    float_fill(c->q, QUERIES * dim, FLOAT_RANDOM, random);
    if (extreme)
        for (size_t i = 0; i < QUERIES * dim; i++) c->q[i] = i / dim % 2 == 0 ? 0.01f : -0.01f;
    if (format == BN_FORMAT_INT8)
        fill_int8(c, extreme, random);
    else
        fill_half(c, random);
}

/*
 * A score's sum of dim products is off by (dim + 1) units of its terms' sizes, which exp turns into a relative error;
 * the product with scale and taking off the maximum add 2 units of the score. exp adds 4, summing the weighted values
 * `limit` and the products 1: in units of the largest value, as the weights' sum is divided out.
 *
 * Over int8 keys, each element of the query is off by half a step of absmax / 127, and each weight by half of the
 * largest / 16383, as its product with the step of the values is, times a code of up to 127.
 */
static void check_part(const chunk_data *c, const float *q, size_t from, size_t limit, float scale, const float *part)
{
    const size_t dim = c->dim, padded_dim = bn_attention_padded(dim);
    const int int8 = c->format == BN_FORMAT_INT8;
    double score[CHUNK], out[MOST_DIM] = {0}, top = -INFINITY, sum = 0, size = 0, units = 0, step = 0, rounding = 0;
    double largest = 0;
    for (size_t d = 0; d < dim && int8; d++) step = fmax(step, fabs((double)q[d]) / 127);
    for (size_t p = from; p < limit; p++) {
        double terms = 0, key = 0;
        score[p] = 0;
        for (size_t d = 0; d < dim; d++) {
            const double term = (double)q[d] * c->key[p * dim + d] * scale;
            score[p] += term;
            terms += fabs(term);
            key += fabs((double)c->key[p * dim + d] * scale);
        }
        top = fmax(top, score[p]);
        units = fmax(units, ((double)dim + 3) * terms);
        rounding = fmax(rounding, step / 2 * key);
    }
    for (size_t p = from; p < limit; p++) {
        const double e = exp(score[p] - top);
        sum += e;
        largest = fmax(largest, int8 ? e * c->value_step[p] : 0);
        for (size_t d = 0; d < dim; d++) {
            const double v = c->value[p * dim + d];
            out[d] += e * v;
            size = fmax(size, fabs(v));
        }
    }
    const double tolerance = UNIT * (2 * units + (double)limit + 5) + 2.01 * rounding;
    const double weights = 1.01 * (double)limit * 127 * largest / 16383 / 2 / sum;
    if (limit == 0) {
        if (part[padded_dim] != -INFINITY || part[padded_dim + 1] != 0) check_failed("a query that sees nothing has a sum");
        return;
    }
    if (fabs(part[padded_dim] - top) > tolerance) check_failed("the maximum is %g, not %g", (double)part[padded_dim], top);
    for (size_t d = 0; d < dim; d++) {
        const double got = (double)part[d] / part[padded_dim + 1], wanted = out[d] / sum;
        if (fabs(got - wanted) <= tolerance * size + weights) continue;
        check_failed("element %zu is %.9g, in double %.9g, tolerance %.3g", d, got, wanted, tolerance * size + weights);
        return;
    }
}

typedef struct query_set {
    size_t count;
    size_t limit[QUERIES], from[QUERIES];
} query_set;

static void run_chunk(bn_attention_fn kernel, const chunk_data *c, const query_set *set, const float *q,
                      const void *keys, const void *values, float *work, float *parts, size_t stride)
{
    bn_attention_chunk chunk = {.keys = keys, .values = values, .head_dim = c->dim, .queries = set->count};
    chunk.scale = 1 / sqrtf((float)c->dim);
    for (size_t i = 0; i < set->count; i++) {
        chunk.query[i] = q + i * c->dim;
        chunk.from[i] = set->from[i];
        chunk.limit[i] = set->limit[i];
        chunk.part[i] = parts + i * stride;
    }
    kernel(&chunk, work);
}

static void check_chunk(const bn_kernel *kernel, const chunk_data *c, const query_set *set, guard_side side)
{
    const size_t dim = c->dim, stride = bn_attention_padded(dim) + 2;
    const size_t blocks_bytes = (c->longest + 15) / 16 * 16 * c->position_bytes;
    const size_t value_bytes = c->format == BN_FORMAT_INT8 ? blocks_bytes : c->longest * c->position_bytes;
    const size_t parts_bytes = set->count * stride * sizeof(float), work_bytes = bn_attention_work(dim) * sizeof(float);
    static float expected[QUERIES * MOST_STRIDE], alone[MOST_STRIDE];
    const void *keys = float_input(0, c->keys, blocks_bytes, side);
    const void *values = float_input(1, c->values, value_bytes, side);
    const float *q = float_input(2, c->q, set->count * dim * sizeof(float), side);
    float *work = float_output(3, work_bytes, side);
    run_chunk((bn_attention_fn)float_scalar(kernel), c, set, q, keys, values, work, expected, stride);
    work = float_output(3, work_bytes, side);
    float *parts = float_output(4, parts_bytes, side);
    run_chunk((bn_attention_fn)kernel->function, c, set, q, keys, values, work, parts, stride);
    float_expect_same("part", parts, expected, set->count * stride);
    float_untouched(3, work_bytes, side);
    float_untouched(4, parts_bytes, side);
    for (size_t i = 0; i < set->count; i++) {
        const query_set one = {1, {set->limit[i]}, {set->from[i]}};
        check_part(c, q + i * dim, set->from[i], set->limit[i], 1 / sqrtf((float)dim), parts + i * stride);
        run_chunk((bn_attention_fn)kernel->function, c, &one, q + i * dim, keys, values, work, alone, stride);
        float_expect_same("part of a query alone", alone, parts + i * stride, stride);
    }
}

void check_attention(const bn_kernel *kernel)
{
    static chunk_data c;
    static const query_set sets[] = {
        {1, {1}, {0}},
        {1, {256}, {0}},
        {2, {15, 16}, {0}},
        {3, {17, 31, 32}, {0}},
        {4, {100, 100, 100, 100}, {0}},
        {4, {33, 34, 35, 36}, {0}},
        {5, {0, 255, 256, 0, 7}, {0}},
        {8, {200, 200, 200, 200, 201, 201, 201, 201}, {0}},
        {32, {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
              17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 256}, {0}},
        {2, {16, 256}, {15, 255}},
        {5, {100, 101, 102, 0, 104}, {36, 37, 38, 0, 40}},
        {8, {256, 256, 256, 256, 256, 256, 256, 256}, {0, 1, 15, 16, 17, 100, 250, 255}},
    };
    uint64_t random = 6;
    for (const size_t *dim = DIMS; *dim != 0; dim++) {
        for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
            size_t longest = 0;
            for (size_t i = 0; i < sets[s].count; i++)
                if (sets[s].limit[i] > longest) longest = sets[s].limit[i];
            for (int extreme = 0; extreme <= (kernel->format == BN_FORMAT_INT8); extreme++) {
                fill_chunk(&c, kernel->format, *dim, longest, extreme, &random);
                check_describe("%s, head_dim %zu, %zu queries over %zu positions%s", kernel->name, *dim, sets[s].count, longest,
                               extreme ? ", extreme codes" : "");
                check_chunk(kernel, &c, &sets[s], GUARD_START);
                check_chunk(kernel, &c, &sets[s], GUARD_END);
            }
        }
    }
}

/* ---- folding ---- */

enum { PARTS = 5 };

/* Each fold rounds two products and a sum, and an exp of 4 units whose argument is off by one unit of itself. */
void check_attention_merge(const bn_kernel *kernel)
{
    uint64_t random = 7;
    for (const size_t *dim = DIMS; *dim != 0; dim++) {
        for (size_t count = 1; count <= PARTS; count++) {
            const size_t padded_dim = bn_attention_padded(*dim), stride = padded_dim + 2;
            const size_t bytes = count * stride * sizeof(float);
            float parts[PARTS * MOST_STRIDE], expected[PARTS * MOST_STRIDE];
            double top = -INFINITY, sum = 0;
            float_fill(parts, count * stride, FLOAT_RANDOM, &random);
            for (size_t i = 0; i < count; i++) {
                parts[i * stride + padded_dim] *= 5;
                parts[i * stride + padded_dim + 1] = 1 + fabsf(parts[i * stride + padded_dim + 1]);
                top = fmax(top, parts[i * stride + padded_dim]);
            }
            memcpy(expected, parts, bytes);
            check_describe("%s, head_dim %zu, %zu parts", kernel->name, *dim, count);
            ((bn_attention_merge_fn)float_scalar(kernel))(expected, stride, count, *dim);
            float *got = float_input(0, parts, bytes, GUARD_END);
            ((bn_attention_merge_fn)kernel->function)(got, stride, count, *dim);
            float_expect_same("parts", got, expected, count * stride);
            float_untouched(0, bytes, GUARD_END);
            const double tolerance = UNIT * (double)count * (8 + 40);
            for (size_t d = 0; d < *dim; d++) {
                double value = 0, size = 0;
                for (size_t i = 0; i < count; i++) {
                    const double e = exp(parts[i * stride + padded_dim] - top);
                    value += e * parts[i * stride + d];
                    size += fabs(e * parts[i * stride + d]);
                    sum += d == 0 ? e * parts[i * stride + padded_dim + 1] : 0;
                }
                if (fabs(got[d] - value) > tolerance * size)
                    check_failed("element %zu is %.9g, in double %.9g", d, (double)got[d], value);
            }
            if (got[padded_dim] != (float)top) check_failed("the maximum is %g, not %g", (double)got[padded_dim], top);
            if (fabs(got[padded_dim + 1] - sum) > tolerance * sum)
                check_failed("the sum is %.9g, in double %.9g", (double)got[padded_dim + 1], sum);
        }
    }
}

void check_attention_finish(const bn_kernel *kernel)
{
    uint64_t random = 8;
    for (const size_t *dim = DIMS; *dim != 0; dim++) {
        const size_t padded_dim = bn_attention_padded(*dim);
        float values[MOST_STRIDE];
        float_fill(values, padded_dim + 2, FLOAT_RANDOM, &random);
        check_describe("%s, head_dim %zu", kernel->name, *dim);
        for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
            const float *part = float_input(0, values, (padded_dim + 2) * sizeof(float), side);
            float *out = float_output(1, *dim * sizeof(float), side);
            ((bn_attention_finish_fn)kernel->function)(part, *dim, out);
            for (size_t d = 0; d < *dim; d++)
                if (!float_same(out[d], part[d] / part[padded_dim + 1])) check_failed("element %zu is wrong", d);
            float_untouched(1, *dim * sizeof(float), side);
        }
    }
}
