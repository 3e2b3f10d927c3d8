/*
 * bn_matmul_top against bn_matmul: the same bits for everything that was asked for, on every ISA and with any number of
 * threads; the bounds on the errors of both passes; weights and activations out of the ordinary; and what it refuses.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bitnet.h"
#include "cpu/cpu.h"
#include "expect.h"
#include "formats/d31r16.h"
#include "system/system.h"

enum { MOST_N = 6 };

typedef struct head {
    bn_matrix weight, coarse;
    float *x, *all, *values;
    int32_t *found;
    void *scratch;
} head;

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *state >> 11;
}

/* About normal: twelve uniforms. */
static float normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += (double)next(state) * 0x1p-53;
    return (float)sum;
}

static void *room(size_t bytes)
{
    return bn_allocate(BN_CACHE_LINE, bytes);
}

static head head_create(int64_t rows, int64_t cols, uint64_t seed)
{
    head h = {.weight = {.rows = rows, .cols = cols, .type = BN_TYPE_F32}};
    float *w = room((size_t)(rows * cols) * sizeof *w);
    for (int64_t i = 0; i < rows * cols; i++) w[i] = normal(&seed) * 0.02f;
    h.weight.data = w;
    h.coarse = (bn_matrix){.data = room(bn_matrix_bytes(BN_TYPE_D31_R16, rows, cols)), rows, cols, BN_TYPE_D31_R16, 1};
    h.x = room((size_t)cols * sizeof(float));
    for (int64_t k = 0; k < cols; k++) h.x[k] = normal(&seed);
    h.all = room((size_t)rows * sizeof(float));
    h.values = room((size_t)rows * sizeof(float));
    h.found = room((size_t)rows * sizeof(int32_t));
    h.scratch = room(bn_top_scratch(rows, cols, MOST_N));
    return h;
}

static void head_destroy(head *h)
{
    bn_release((void *)h->weight.data);
    bn_release((void *)h->coarse.data);
    bn_release(h->x);
    bn_release(h->all);
    bn_release(h->values);
    bn_release(h->found);
    bn_release(h->scratch);
}

static float *weights(const head *h)
{
    return (float *)h->weight.data;
}

static int falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The count-th largest exact output. */
static float threshold(const head *h, int64_t count)
{
    const size_t rows = (size_t)h->weight.rows;
    float *sorted = malloc(rows * sizeof *sorted);
    memcpy(sorted, h->all, rows * sizeof *sorted);
    qsort(sorted, rows, sizeof *sorted, falling);
    const float least = sorted[count - 1];
    free(sorted);
    return least;
}

/* A request whose results go to the head's own room. */
static bn_top request(const head *h, int64_t count, const int32_t *ids, int64_t id_count)
{
    return (bn_top){count, ids, id_count, h->found, h->values, -1};
}

/* Whether a row was computed, and then with the right bits; rows come in rising order, at is where the next one is. */
static int found_next(const head *h, const bn_top *top, int64_t row, int64_t *at)
{
    if (*at >= top->computed || top->found[*at] != row) return 0;
    expect(memcmp(&top->values[*at], &h->all[row], sizeof(float)) == 0, "row %lld is %a, exactly %a", (long long)row,
           (double)top->values[*at], (double)h->all[row]);
    ++*at;
    return 1;
}

/* Packs, searches, and compares with the whole product; gives how many rows were computed. */
static int64_t search(bn_context *ctx, head *h, int64_t count, const int32_t *ids, int64_t id_count, const char *what)
{
    const int64_t rows = h->weight.rows;
    bn_top top = request(h, count, ids, id_count);
    expect(bn_coarse_pack(ctx, &h->weight, (void *)h->coarse.data) == BN_OK, "%s: %s", what, bn_context_error(ctx));
    expect(bn_matmul(ctx, &h->weight, h->x, 1, h->all, rows) == BN_OK, "%s: %s", what, bn_context_error(ctx));
    expect(bn_matmul_top(ctx, &h->weight, &h->coarse, &top, h->x, 1, h->scratch) == BN_OK, "%s: %s", what,
           bn_context_error(ctx));
    const float least = threshold(h, count);
    int64_t at = 0;
    for (int64_t i = 0; i < rows; i++) {
        int named = 0;
        for (int64_t j = 0; j < id_count; j++) named |= ids[j] == i;
        expect(found_next(h, &top, i, &at) || (!named && !(h->all[i] >= least)),
               "%s: row %lld was not computed, exactly %a, the %lldth %a", what, (long long)i, (double)h->all[i],
               (long long)count, (double)least);
    }
    expect(at == top.computed, "%s: %lld rows were found, %lld of them in rising order", what, (long long)top.computed,
           (long long)at);
    return top.computed;
}

/* On every ISA with several numbers of threads, the same bytes and the same rows. */
static void test_everywhere(int64_t rows, int64_t cols)
{
    static const int32_t ids[] = {0, 3, 3, 17, 20};
    static const int64_t counts[] = {1, 5, 40};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        if (counts[c] > rows) continue;
        head h = head_create(rows, cols, 5);
        const size_t bytes = bn_matrix_bytes(BN_TYPE_D31_R16, rows, cols);
        uint8_t *first = NULL;
        int64_t computed = 0;
        for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
            for (int32_t threads = 1; bn_isa_supported(isa) && threads <= 3; threads += 2) {
                bn_context *ctx;
                if (!expect(bn_context_create(threads, isa, &ctx) == BN_OK, "a context")) continue;
                memset((void *)h.coarse.data, 0x77, bytes);
                const int64_t now = search(ctx, &h, counts[c], ids, rows > 20 ? 5 : 1, bn_isa_name(isa));
                if (first == NULL) {
                    first = memcpy(malloc(bytes), h.coarse.data, bytes);
                    computed = now;
                }
                expect(memcmp(first, h.coarse.data, bytes) == 0, "%s packs other bytes", bn_isa_name(isa));
                expect(now == computed, "%s computes %lld rows, not %lld", bn_isa_name(isa), (long long)now,
                       (long long)computed);
                bn_context_destroy(ctx);
            }
        }
        free(first);
        head_destroy(&h);
    }
}

/* Errors in units of what the proof gives for their deviation: sub-Gaussian with variance 1 at most. */
typedef struct errors {
    double worst, squares, beyond;
} errors;

static void add_error(errors *of, double error)
{
    of->worst = fmax(of->worst, fabs(error));
    of->squares += error * error;
    of->beyond += error > sqrt(2 * log(1 / 1e-2));
}

/*
 * Over 400,000 rows no error is beyond 6.5 deviations but for a chance of 400,000 * 2 exp(-21) = 0.0006; and for a normal
 * error the mean square would be close to 1. At a failure of 1e-2 errors beyond the bound do occur: a normal error exceeds
 * 3.03 deviations in 1.2e-3 of all cases. That is so for what three bits leave of the weights and for what all four leave.
 * With the errors of int8 activations the deviation is the proof's bound, which they keep below. Computed here from the
 * codes, not by the library's own sums.
 */
static void test_bounds(bn_context *ctx)
{
    enum { ROWS = 4096, COLS = 256, ROUNDS = 100, BOUNDS = 2 };
    const double all = (double)ROWS * ROUNDS;
    errors weight[BOUNDS] = {0}, both[BOUNDS] = {0};
    head h = head_create(ROWS, COLS, 11);
    expect(bn_coarse_pack(ctx, &h.weight, (void *)h.coarse.data) == BN_OK, "%s", bn_context_error(ctx));
    const uint8_t *groups = h.coarse.data, *bits = groups + bn_d31r16_bits_at(ROWS, COLS);
    float ratio;
    memcpy(&ratio, groups + bn_d31r16_tail_at(ROWS, COLS), sizeof ratio);
    const double ratios[] = {(double)ratio, (double)ratio + sqrt(12.0 * COLS) / 8};
    uint64_t random = 12;
    for (int round = 0; round < ROUNDS; round++) {
        double norm = 0, largest = 0, dithered[COLS], rounded[COLS];
        for (int k = 0; k < COLS; k++) {
            h.x[k] = normal(&random) * (round % 2 == 0 || k % 64 != 0 ? 1 : 20);
            norm += (double)h.x[k] * (double)h.x[k];
            largest = fmax(largest, fabs((double)h.x[k]));
        }
        const double s = 127 / largest;
        for (size_t k = 0; k < COLS; k++) {
            const double v = (double)bn_d31r16_dither(k).activation, p = floor((double)h.x[k] * s + v + 0.5);
            dithered[k] = (p - v) / s;
            rounded[k] = p / s;
        }
        for (size_t i = 0; i < ROWS; i++) {
            const uint8_t *group = groups + i / 16 * bn_d31r16_group_bytes(COLS), *row = bits + i * bn_d31r16_bits_bytes(COLS);
            float step;
            double of_weight[BOUNDS] = {0}, of_both[BOUNDS] = {0};
            memcpy(&step, group + i % 16 * sizeof step, sizeof step);
            for (size_t k = 0; k < COLS; k++) {
                const double u = (double)bn_d31r16_dither(k).weight, w = (double)weights(&h)[i * COLS + k], x = (double)h.x[k];
                const double three = (double)step * (bn_d31r16_code(group, i % 16, k) - 3.5 - u);
                const double fourth = (double)step * (bn_d31r16_bit(row, k) - 0.5) / 2;
                of_weight[0] += (w - three) * x;
                of_weight[1] += (w - three - fourth) * x;
                of_both[0] += w * x - three * dithered[k];
                of_both[1] += w * x - three * dithered[k] - fourth * rounded[k];
            }
            for (int b = 0; b < BOUNDS; b++) {
                const double width = b == 0 ? 1 : 0.5, more = ratios[b] / s;
                add_error(&weight[b], of_weight[b] / ((double)step * width * sqrt(norm / 12)));
                add_error(&both[b], of_both[b] / ((double)step * sqrt((width * width * norm + more * more) / 12)));
            }
        }
    }
    for (int b = 0; b < BOUNDS; b++) {
        const double beyond = weight[b].beyond / all;
        expect(beyond < 2.5e-3 && beyond > 0.4e-3, "bound %d: %g of all errors are beyond that of failure 1e-2", b, beyond);
        expect(weight[b].worst < 6.5, "bound %d: an error of %g deviations", b, weight[b].worst);
        expect(fabs(weight[b].squares / all - 1) < 0.35, "bound %d: a mean square of %g", b, weight[b].squares / all);
        expect(both[b].worst < 6.5, "bound %d: an error of %g deviations with int8", b, both[b].worst);
        expect(both[b].squares / all < 1.35, "bound %d: a mean square of %g with int8", b, both[b].squares / all);
    }
    head_destroy(&h);
}

/*
 * Several rows of x at once, each with wishes of its own, one of them without bounds: to the last bit what each of them
 * gets alone, with as many outputs computed, whatever rows it comes with.
 */
static void test_many_rows(int64_t rows, int64_t cols)
{
    static const int32_t ids[] = {2, 9, 9};
    static const int64_t counts[MOST_N] = {1, 3, 40, 1, 7, 2};
    head h = head_create(rows, cols, 51);
    float *x = room((size_t)(MOST_N * cols) * sizeof *x), *values = room((size_t)(MOST_N * rows) * sizeof *values);
    int32_t *found = room((size_t)(MOST_N * rows) * sizeof *found);
    uint64_t random = 52;
    for (int64_t k = 0; k < MOST_N * cols; k++) x[k] = normal(&random);
    x[2 * cols + 5] = NAN;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        for (int32_t threads = 1; bn_isa_supported(isa) && threads <= 3; threads += 2) {
            bn_context *ctx;
            if (!expect(bn_context_create(threads, isa, &ctx) == BN_OK, "a context")) continue;
            expect(bn_coarse_pack(ctx, &h.weight, (void *)h.coarse.data) == BN_OK, "%s", bn_context_error(ctx));
            for (int64_t n = 1; n <= MOST_N; n++) {
                bn_top many[MOST_N];
                for (int64_t t = 0; t < n; t++)
                    many[t] = (bn_top){counts[t], ids, t % 2 == 0 ? 3 : 0, found + t * rows, values + t * rows, -1};
                expect(bn_matmul_top(ctx, &h.weight, &h.coarse, many, x, n, h.scratch) == BN_OK, "%s", bn_context_error(ctx));
                for (int64_t t = 0; t < n; t++) {
                    bn_top one = request(&h, counts[t], ids, many[t].id_count);
                    expect(bn_matmul_top(ctx, &h.weight, &h.coarse, &one, x + t * cols, 1, h.scratch) == BN_OK, "%s",
                           bn_context_error(ctx));
                    const size_t computed = (size_t)one.computed;
                    expect(many[t].computed == one.computed &&
                               memcmp(one.found, many[t].found, computed * sizeof *found) == 0 &&
                               memcmp(one.values, many[t].values, computed * sizeof *values) == 0,
                           "%s, row %lld of %lld has other outputs than alone, %lld and %lld", bn_isa_name(isa), (long long)t,
                           (long long)n, (long long)many[t].computed, (long long)one.computed);
                    expect(one.computed == rows || t != 2, "row 2 has no bounds");
                }
            }
            bn_context_destroy(ctx);
        }
    }
    bn_release(x);
    bn_release(values);
    bn_release(found);
    head_destroy(&h);
}

static void test_few_survive(bn_context *ctx)
{
    head h = head_create(20000, 512, 21);
    const int64_t one = search(ctx, &h, 1, NULL, 0, "1 of 20000"), forty = search(ctx, &h, 40, NULL, 0, "40 of 20000");
    expect(one < 1000 && forty < 4000, "%lld and %lld of 20000 rows were computed", (long long)one, (long long)forty);
    head_destroy(&h);
}

/*
 * Rows whose outputs differ in their last bits: the largest ones lie anywhere in the order of the bounds, so that it is the
 * bounds alone that keep those which are not among the first to be computed: every row must pass both and be computed.
 */
static void test_close_calls(bn_context *ctx)
{
    enum { ROWS = 4000, COLS = 256, ROUNDS = 16 };
    head h = head_create(ROWS, COLS, 61);
    uint64_t random = 62;
    for (int round = 0; round < ROUNDS; round++) {
        double norm = 0;
        for (int k = 0; k < COLS; k++) {
            h.x[k] = normal(&random) * (round % 2 == 1 && k == 9 ? 20 : 1);
            norm += (double)h.x[k] * (double)h.x[k];
        }
        for (int i = 0; i < ROWS; i++) {
            float *w = weights(&h) + i * COLS;
            double output = 0;
            for (int k = 0; k < COLS; k++) {
                w[k] = normal(&random);
                output += (double)w[k] * (double)h.x[k];
            }
            for (int k = 0; k < COLS; k++) w[k] = (float)((double)w[k] - (output - 5) / norm * (double)h.x[k]);
        }
        expect(search(ctx, &h, 1, NULL, 0, "1 of close calls") == ROWS, "a bound is below what is as large as the largest");
        expect(search(ctx, &h, 40, NULL, 0, "40 of close calls") == ROWS, "a bound is below what is as large as the 40th");
    }
    head_destroy(&h);
}

static void test_out_of_the_ordinary(bn_context *ctx)
{
    enum { ROWS = 1000, COLS = 64 };
    head h = head_create(ROWS, COLS, 31);
    float *w = weights(&h);
    for (int k = 0; k < COLS; k++) w[7 * COLS + k] = 0;
    for (int r = 100; r < 160; r++) memcpy(w + r * COLS, h.x, COLS * sizeof *w); /* ties at the top */
    expect(search(ctx, &h, 5, NULL, 0, "ties") >= 60, "all of equals are computed");
    for (int k = 0; k < COLS; k++) w[8 * COLS + k] *= 1e-30f;
    search(ctx, &h, 5, NULL, 0, "a row too small to pack");
    for (int r = 200; r < 232; r += 3) w[r * COLS + 3] = h.x[3] < 0 ? -INFINITY : INFINITY;
    for (int r = 300; r < 332; r += 3) w[r * COLS + 3] = h.x[3] < 0 ? INFINITY : -INFINITY;
    expect(search(ctx, &h, 5, NULL, 0, "infinite weights") >= 11, "all infinite outputs are computed");
    for (int r = 200; r < 332; r++) w[r * COLS + 3] = 0;
    w[10 * COLS + 3] = NAN;
    expect(search(ctx, &h, 5, NULL, 0, "a weight that is not a number") == ROWS, "nothing is ruled out");
    w[10 * COLS + 3] = 0;
    expect(search(ctx, &h, 300, NULL, 0, "many wanted") == ROWS, "nothing is ruled out");
    h.x[5] = NAN;
    expect(search(ctx, &h, 5, NULL, 0, "x with a NaN") == ROWS, "nothing is ruled out");
    h.x[5] = INFINITY;
    expect(search(ctx, &h, 5, NULL, 0, "x with an infinity") == ROWS, "nothing is ruled out");
    memset(h.x, 0, COLS * sizeof *h.x);
    expect(search(ctx, &h, 5, NULL, 0, "x of zeros") == ROWS, "nothing is ruled out");
    memset(w, 0, ROWS * COLS * sizeof *w);
    h.x[5] = 1;
    expect(search(ctx, &h, 5, NULL, 0, "a matrix of zeros") == ROWS, "all are equal");
    head_destroy(&h);
}

static void refused(bn_context *ctx, bn_status status, const char *what)
{
    expect(status == BN_ERROR_ARGUMENT, "%s was not refused", what);
    expect(strncmp(bn_context_error(ctx), "bn_", 3) == 0, "%s: no sentence", what);
}

static void test_refusals(bn_context *ctx)
{
    head h = head_create(64, 64, 41);
    const int32_t beyond = 64;
    bn_top good[] = {request(&h, 3, NULL, 0), request(&h, 1, NULL, 0)}, bad;
    bn_matrix other;
    const bn_matrix *w = &h.weight, *c = &h.coarse;
    expect(bn_coarse_pack(ctx, &h.weight, (void *)h.coarse.data) == BN_OK, "%s", bn_context_error(ctx));
    expect(bn_matmul_top(ctx, w, c, good, h.x, 1, h.scratch) == BN_OK, "%s", bn_context_error(ctx));
    expect(bn_matmul_top(ctx, w, c, good, h.x, 0, h.scratch) == BN_OK, "%s", bn_context_error(ctx));
    expect(bn_matmul_top(NULL, w, c, good, h.x, 1, h.scratch) == BN_ERROR_ARGUMENT, "no context");
    refused(ctx, bn_matmul_top(ctx, NULL, c, good, h.x, 1, h.scratch), "no matrix");
    refused(ctx, bn_matmul_top(ctx, w, NULL, good, h.x, 1, h.scratch), "no coarse matrix");
    refused(ctx, bn_matmul_top(ctx, w, c, NULL, h.x, 1, h.scratch), "no request");
    refused(ctx, bn_matmul_top(ctx, w, c, good, NULL, 1, h.scratch), "no x");
    refused(ctx, bn_matmul_top(ctx, w, c, good, h.x, -1, h.scratch), "a negative number of rows");
    refused(ctx, bn_matmul_top(ctx, w, c, good, h.x, 1, (char *)h.scratch + 1), "unaligned scratch");
    bad = good[0], bad.count = 0;
    refused(ctx, bn_matmul_top(ctx, w, c, &bad, h.x, 1, h.scratch), "no rows wanted");
    bad.count = 65;
    refused(ctx, bn_matmul_top(ctx, w, c, &bad, h.x, 1, h.scratch), "more rows than there are");
    bad = good[0], bad.found = NULL;
    refused(ctx, bn_matmul_top(ctx, w, c, &bad, h.x, 1, h.scratch), "no room for the rows");
    bad = good[0], bad.values = NULL;
    refused(ctx, bn_matmul_top(ctx, w, c, &bad, h.x, 1, h.scratch), "no room for the outputs");
    good[1].ids = &beyond, good[1].id_count = 1;
    refused(ctx, bn_matmul_top(ctx, w, c, good, h.x, 2, h.scratch), "an id beyond the rows");
    refused(ctx, bn_matmul_top(ctx, w, w, good, h.x, 1, h.scratch), "a coarse matrix that is none");
    other = h.coarse, other.rows = 63;
    refused(ctx, bn_matmul_top(ctx, w, &other, good, h.x, 1, h.scratch), "a coarse matrix of another shape");
    refused(ctx, bn_coarse_pack(ctx, &h.weight, NULL), "no room");
    other = h.weight, other.cols = 48;
    refused(ctx, bn_coarse_pack(ctx, &other, h.scratch), "48 columns");
    other = h.coarse;
    refused(ctx, bn_coarse_pack(ctx, &other, h.scratch), "a matrix of D31_R16");
    expect(bn_top_scratch(0, 64, 1) == 0 && bn_top_scratch(64, 8224, 1) == 0 && bn_top_scratch(64, 64, 0) == 0,
           "a shape that cannot be");
    head_destroy(&h);
}

int main(void)
{
    bn_context *ctx;
    test_everywhere(1, 32);
    test_everywhere(33, 64);
    test_everywhere(1000, 256);
    test_everywhere(2500, 2560);
    test_many_rows(3000, 256);
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return expect_result();
    test_bounds(ctx);
    test_few_survive(ctx);
    test_close_calls(ctx);
    test_out_of_the_ordinary(ctx);
    test_refusals(ctx);
    bn_context_destroy(ctx);
    return expect_result();
}
