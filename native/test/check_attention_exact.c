/* Attention in double over an f32 cache: the scalar kernel's bits, and the definition's value. */
#include <math.h>
#include <string.h>

#include "check_float.h"

enum { MOST_POSITIONS = 300, MOST_DIM = 256, CAPACITY = 304 };

static const size_t DIMS[] = {4, 12, 16, 64, 100, 128, 256, 0};
static const size_t COUNTS[] = {1, 2, 15, 16, 17, 31, 33, 255, 256, 300, 0};
static const size_t FIRSTS[] = {0, 1, 15, SIZE_MAX}; /* a window's, within the first 16 positions that lie together */

typedef struct sequence {
    float q[MOST_DIM];
    float keys[CAPACITY * MOST_DIM], values[MOST_POSITIONS * MOST_DIM];
} sequence;

static size_t key_index(size_t dim, size_t position, size_t d)
{
    return (position / 16 * dim + d) * 16 + position % 16;
}

/* NaN in the keys of the last 16 positions that no query may see. */
static void fill(sequence *s, size_t dim, size_t count, uint64_t *random)
{
    float_fill(s->q, dim, FLOAT_RANDOM, random);
    float_fill(s->values, count * dim, FLOAT_RANDOM, random);
    memset(s->keys, 0xff, sizeof s->keys);
    for (size_t p = 0; p < count; p++)
        for (size_t d = 0; d < dim; d++) s->keys[key_index(dim, p, d)] = float_random(random);
}

/* Errors in double vanish against the one rounding of the result: half a unit, and a little for cancellation. */
static void expect_definition(const sequence *s, size_t dim, size_t from, size_t count, float scale, const float *out)
{
    double weight[MOST_POSITIONS], top = -INFINITY, sum = 0;
    for (size_t p = from; p < count; p++) {
        weight[p] = 0;
        for (size_t d = 0; d < dim; d++) weight[p] += (double)s->q[d] * s->keys[key_index(dim, p, d)];
        weight[p] *= scale;
        top = fmax(top, weight[p]);
    }
    for (size_t p = from; p < count; p++) sum += weight[p] = exp(weight[p] - top);
    for (size_t d = 0; d < dim; d++) {
        double value = 0;
        for (size_t p = from; p < count; p++) value += weight[p] * s->values[p * dim + d];
        value /= sum;
        if (fabs(out[d] - value) > UNIT * fabs(value) + 1e-13)
            check_failed("element %zu is %.9g, in double %.15g", d, (double)out[d], value);
    }
}

static void check_sequence(const bn_kernel *kernel, const sequence *s, size_t dim, size_t from, size_t count, guard_side side)
{
    const size_t padded = (count + 15) / 16 * 16;
    double scores[CAPACITY];
    float expected[MOST_DIM];
    /* Softmax of scores between -20 and 20 has large and tiny weights. */
    bn_exact_query query = {s->q, s->keys, s->values, from, count, dim, 20.0f / (float)dim};
    ((bn_attention_exact_fn)float_scalar(kernel))(&query, scores, expected);
    query.q = float_input(0, s->q, dim * sizeof(float), side);
    query.keys = float_input(1, s->keys, padded * dim * sizeof(float), side);
    query.values = float_input(2, s->values, count * dim * sizeof(float), side);
    double *room = float_output(3, padded * sizeof(double), side);
    float *out = float_output(4, dim * sizeof(float), side);
    ((bn_attention_exact_fn)kernel->function)(&query, room, out);
    float_expect_same("out", out, expected, dim);
    expect_definition(s, dim, from, count, query.scale, out);
    float_untouched(3, padded * sizeof(double), side);
    float_untouched(4, dim * sizeof(float), side);
}

void check_attention_exact(const bn_kernel *kernel)
{
    static sequence s;
    uint64_t random = 10;
    for (const size_t *dim = DIMS; *dim != 0; dim++) {
        for (const size_t *count = COUNTS; *count != 0; count++) {
            fill(&s, *dim, *count, &random);
            for (const size_t *from = FIRSTS; *from < *count; from++) {
                check_describe("%s, head_dim %zu, positions %zu to %zu", kernel->name, *dim, *from, *count);
                check_sequence(kernel, &s, *dim, *from, *count, GUARD_START);
                check_sequence(kernel, &s, *dim, *from, *count, GUARD_END);
            }
        }
    }
}
