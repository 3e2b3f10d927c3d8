/*
 * The largest outputs of a matrix without reading all of it: a coarse pass bounds every output from above, the most
 * promising rows are computed exactly, and then every row whose bound reaches what they reached, first with the fourth bits
 * of its weights, then exactly. docs/two-pass-head.md proves the bounds; the names here are those there.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "formats/d31r16.h"
#include "glibc.h"
#include "ops.h"
#include "ops/lanes.h"

BN_GLIBC_FIRST(log);

enum {
    COARSE_BYTES = 64 * 1024, /* of one piece of the coarse pass, about                           */
    COARSE_GROUPS = 64,       /* and its groups at most                                           */
    CLOSER_GROUPS = 64,       /* of one piece of the closer pass, few of whose rows it reads      */
    LOOK = 16,                /* groups between those whose bounds are read and asked for         */
    EXACT_ROWS = 16,          /* rows of one piece of the exact pass                              */
    BOUNDS = 2,               /* of a row: a wanted one is missed if either fails                 */
    MORE = 4,                 /* so many times the wanted rows are computed first, and ...        */
    EXTRA = 16                /* ... so many more: their count-th largest is close to the final one */
};

/* One row of x. */
typedef struct search {
    const struct passes *passes;
    bn_top *top;
    const float *x;
    float *y;         /* [rows] outputs, of those that were listed */
    float *upper;     /* [rows] bound on y                         */
    float *most;      /* [groups] the largest bound in a group     */
    uint64_t *marked; /* [rows / 64] a bit for each listed output  */
    int32_t *list;    /* [rows] outputs to be computed exactly     */
    int64_t listed;
    float least;          /* T: what an output must reach              */
    int8_t *q;            /* p: x in int8, dithered                    */
    int32_t total;        /* sum of p                                  */
    float inverse;        /* 1 / s                                     */
    float shift, margin;  /* B and M                                   */
    float closer;         /* M' - M: with fourth bits                  */
    atomic_llong closely; /* rows whose fourth bits were read          */
    int32_t all;          /* every output is computed; nothing bounded */
} search;

typedef struct passes {
    const bn_matrix *weight, *coarse;
    search *searches;
    float *step; /* [rows] d */
    int64_t n;
    size_t q_stride;
    bn_coarse_fn bound;
    bn_bit_sum_fn bit_sum;
    bn_matmul_rows_fn exact;
} passes;

static size_t lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t words(size_t rows)
{
    return (rows + 63) / 64;
}

/* q, y, upper, most, marked and list of one row of x. */
static size_t search_bytes(size_t rows, size_t cols)
{
    return lines(cols) + 2 * lines(rows * sizeof(float)) + lines(bn_d31r16_groups(rows) * sizeof(float)) +
           lines(words(rows) * sizeof(uint64_t)) + lines(rows * sizeof(int32_t));
}

size_t bn_top_scratch(int64_t rows, int64_t cols, int64_t n)
{
    if (bn_matrix_bytes(BN_TYPE_D31_R16, rows, cols) == 0 || n <= 0) return 0;
    const size_t shared = lines((size_t)n * sizeof(search)) + lines((size_t)rows * sizeof(float));
    return shared + (size_t)n * search_bytes((size_t)rows, (size_t)cols);
}

/* ---- the coarse pass ---- */

/* So many of the outputs of largest bound are computed first. */
static int64_t promising(const search *job)
{
    return MORE * job->top->count + EXTRA;
}

/* What d times it adds to an estimate so that it exceeds the exact output: errors of weights are uniform over `step` d. */
static double margin(double step, double ratio, double norm, double s, double cols, double z)
{
    const double dither = z * sqrt((step * step * norm * norm + ratio * ratio / (s * s)) / 12);
    const double product = (cols / 32 + 16) * 0x1p-24 * ratio * norm;
    const double shifts = sqrt(cols) * (0x1p-19 * norm + 0x1p-23 * ratio / s);
    const double sums = cols * (0x1p-11 + (cols / 16 + 5) * 3.5 * 0x1p-24) / s;
    return (dither + product + shifts + sums) * (1 + 0x1p-19);
}

/* Quantises x and sets the constants of the bounds, unless x is too small, too large or not finite for them. */
static void prepare(search *job)
{
    const bn_matrix *coarse = job->passes->coarse;
    const size_t cols = (size_t)coarse->cols;
    double squares = 0, largest = 0, shift = 0;
    for (size_t k = 0; k < cols; k++) {
        const double x = (double)job->x[k];
        squares += x * x;
        largest = fmax(largest, fabs(x));
    }
    const double norm = sqrt(squares);
    job->all = job->top->count > coarse->rows / 6 || promising(job) > coarse->rows || !(norm >= 0x1p-60 && norm <= 0x1p60);
    if (job->all) return;
    const double s = 127 / largest;
    for (size_t k = 0; k < cols; k++) {
        const bn_dither dither = bn_d31r16_dither(k);
        const double v = (double)dither.activation, p = fmin(127, floor((double)job->x[k] * s + v + 0.5));
        job->q[k] = (int8_t)p;
        job->total += (int32_t)p;
        shift += (3.5 + (double)dither.weight) * (v - p);
    }
    float tail;
    memcpy(&tail, (const uint8_t *)coarse->data + bn_d31r16_tail_at((size_t)coarse->rows, cols), sizeof tail);
    const double ratio = (double)tail, halves = sqrt(12 * (double)cols) / 8;
    const double z = sqrt(2 * log(BOUNDS * (double)job->top->count / BN_TOP_FAILURE)); /* each bound may fail */
    const double first = margin(1, ratio, norm, s, (double)cols, z);
    job->inverse = (float)(1 / s);
    job->shift = (float)shift;
    job->margin = (float)first;
    job->closer = (float)(margin(0.5, ratio + halves, norm, s, (double)cols, z) - first);
}

static void prepare_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = begin; t < end; t++) prepare(&job->searches[t]);
}

/*
 * upper = d ((dot - sum of c v + B) / s + M); a bound that is not a number is as good as none. The rows that fill up the
 * last group have room, and a bound that nobody reads. In vectors by hand: compilers would take one row after the other.
 */
static void bound_group(const search *job, const uint8_t *group, const int32_t *dot, size_t first)
{
    float header[2 * BN_D31R16_ROWS];
    bn_lanes_int dots;
    memcpy(header, group, sizeof header);
    memcpy(&dots, dot, sizeof dots);
    const bn_lanes step = bn_lanes_load(header), stored = bn_lanes_load(header + BN_D31R16_ROWS);
    const bn_lanes sum = bn_lanes_add(bn_lanes_sub(bn_lanes_from_int(dots), stored), bn_lanes_all(job->shift));
    const bn_lanes output = bn_lanes_add(bn_lanes_mul(sum, bn_lanes_all(job->inverse)), bn_lanes_all(job->margin));
    const bn_lanes upper = bn_lanes_min(bn_lanes_mul(step, output), bn_lanes_all(INFINITY));
    bn_lanes_store(job->upper + first, upper);
    bn_lanes_store(job->passes->step + first, step);
    job->most[first / BN_D31R16_ROWS] = bn_lanes_largest(upper);
}

/* Some groups for neighbouring rows of x, as many as a kernel takes; the groups stay in the cache for the next ones. */
static void bound_groups(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    const size_t cols = (size_t)job->coarse->cols, bytes = bn_d31r16_group_bytes(cols), groups = (size_t)(end - begin);
    const uint8_t *w = (const uint8_t *)job->coarse->data + (size_t)begin * bytes;
    int32_t dot[BN_COARSE_N * COARSE_GROUPS * BN_D31R16_ROWS];
    const size_t stride = groups * BN_D31R16_ROWS;
    for (int64_t t = 0, n; t < job->n; t += n) {
        const search *some = &job->searches[t];
        for (n = 0; n < BN_COARSE_N && t + n < job->n && !some[n].all; n++)
            ;
        if (n == 0) {
            n = 1;
            continue;
        }
        job->bound(w, cols, groups, some->q, job->q_stride, (size_t)n, dot, stride);
        for (size_t i = 0; i < (size_t)n; i++)
            for (size_t g = 0; g < groups; g++)
                bound_group(&some[i], w + g * bytes, dot + i * stride + g * BN_D31R16_ROWS,
                            ((size_t)begin + g) * BN_D31R16_ROWS);
    }
}

static void coarse_pass(bn_context *ctx, passes *job)
{
    const size_t bytes = bn_d31r16_group_bytes((size_t)job->coarse->cols);
    const int64_t piece = bytes * COARSE_GROUPS <= COARSE_BYTES ? COARSE_GROUPS
                          : bytes <= COARSE_BYTES               ? (int64_t)(COARSE_BYTES / bytes)
                                                                : 1;
    bn_parallel(ctx, (int64_t)bn_d31r16_groups((size_t)job->coarse->rows), piece, bound_groups, job);
}

/* ---- the exact pass ---- */

static int64_t pieces(const search *job)
{
    return (job->listed + EXACT_ROWS - 1) / EXACT_ROWS;
}

/* Pieces of the lists, those of one row of x after those of the other. */
static void some_outputs(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    const search *of = job->searches;
    for (; begin >= pieces(of); of++) begin -= pieces(of), end -= pieces(of);
    for (; begin < end; begin++) {
        for (; begin == pieces(of); of++) begin -= pieces(of), end -= pieces(of);
        const int64_t first = begin * EXACT_ROWS, count = of->listed - first < EXACT_ROWS ? of->listed - first : EXACT_ROWS;
        job->exact(job->weight->data, (size_t)job->weight->cols, of->list + first, (size_t)count, of->x, of->y);
    }
}

/* Computes the outputs of all lists. */
static void exact_pass(bn_context *ctx, passes *job)
{
    int64_t count = 0;
    for (int64_t t = 0; t < job->n; t++) count += pieces(&job->searches[t]);
    bn_parallel(ctx, count, 1, some_outputs, job);
}

/* Marks an output; whether it was not marked before. */
static int mark(search *job, int32_t row)
{
    uint64_t *word = &job->marked[row / 64], before = *word;
    *word |= (uint64_t)1 << row % 64;
    return *word != before;
}

/* Lists an output unless it was listed before. */
static void list_row(search *job, int32_t row)
{
    if (mark(job, row)) job->list[job->listed++] = row;
}

/* The end of the group that an output is in. */
static int64_t group_end(int64_t row, int64_t rows)
{
    const int64_t end = (row / BN_D31R16_ROWS + 1) * BN_D31R16_ROWS;
    return end < rows ? end : rows;
}

/* Lists the outputs whose bound reaches least. Groups without any, nearly all, take one comparison. */
static void list_from(search *job, float least)
{
    const int64_t rows = job->passes->weight->rows;
    for (int64_t i = 0, end; i < rows; i = end) {
        end = group_end(i, rows);
        if (!(job->most[i / BN_D31R16_ROWS] >= least)) continue;
        for (int64_t j = i; j < end; j++)
            if (job->upper[j] >= least) list_row(job, (int32_t)j);
    }
}

/* ---- the k rows of largest key: a heap whose root is the least of them ---- */

static void sift_down(int32_t *heap, int64_t count, int64_t at, const float *key)
{
    const int32_t row = heap[at];
    for (int64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && key[heap[child + 1]] < key[heap[child]]) child++;
        if (key[heap[child]] >= key[row]) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = row;
}

static void heapify(int32_t *heap, int64_t count, const float *key)
{
    for (int64_t i = count / 2 - 1; i >= 0; i--) sift_down(heap, count, i, key);
}

/* Lists the `count` rows of largest bound. */
static void list_most_promising(search *job, int64_t count)
{
    const int64_t rows = job->passes->weight->rows;
    int32_t *heap = job->list;
    const float *key = job->upper;
    for (int64_t i = 0; i < count; i++) heap[i] = (int32_t)i;
    heapify(heap, count, key);
    for (int64_t i = count, end; i < rows; i = end) {
        end = group_end(i, rows);
        if (job->most[i / BN_D31R16_ROWS] <= key[heap[0]]) continue;
        for (int64_t j = i; j < end; j++) {
            if (key[j] <= key[heap[0]]) continue;
            heap[0] = (int32_t)j;
            sift_down(heap, count, 0, key);
        }
    }
    job->listed = count;
    for (int64_t i = 0; i < count; i++) mark(job, heap[i]);
}

/* The count-th largest output of the `among` rows that were listed last; minus infinity when one is not a number. */
static float reached(search *job, int64_t count, int64_t among)
{
    int32_t *heap = job->list;
    for (int64_t i = 0; i < among; i++)
        if (!(job->y[heap[i]] <= INFINITY)) return -INFINITY;
    heapify(heap, count, job->y);
    for (int64_t i = count; i < among; i++) {
        if (job->y[heap[i]] <= job->y[heap[0]]) continue;
        heap[0] = heap[i];
        sift_down(heap, count, 0, job->y);
    }
    return job->y[heap[0]];
}

/* Lists what is computed first: all of a row that has no bounds. */
static void list_first(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = begin; t < end; t++) {
        search *of = &job->searches[t];
        if (!of->all) {
            list_most_promising(of, promising(of));
            continue;
        }
        for (int64_t i = 0; i < job->weight->rows; i++) list_row(of, (int32_t)i);
    }
}

/* Sets T, which an output must reach: what the first ones did. */
static void set_least(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = begin; t < end; t++) {
        search *of = &job->searches[t];
        const int64_t first = of->listed;
        of->listed = 0;
        of->least = of->all ? INFINITY : reached(of, of->top->count, first);
    }
}

/* Lists what the bounds have not ruled out, and the outputs that are wanted anyway. */
static void list_rest(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = begin; t < end; t++) {
        search *of = &job->searches[t];
        if (of->all) continue;
        list_from(of, of->least);
        for (int64_t i = 0; i < of->top->id_count; i++) list_row(of, of->top->ids[i]);
    }
}

/* ---- the closer pass: rows whose bound reaches T, with their fourth bits ---- */

/* upper + d ((2 (sum of p where the fourth bit is 1) - sum of p) / (4 s) + M' - M) */
static void bound_closer(search *job, const uint8_t *bits, int32_t row)
{
    int32_t sum;
    job->passes->bit_sum(bits, (size_t)job->passes->coarse->cols, job->q, &sum);
    const float more = (float)(2 * sum - job->total) * 0.25f * job->inverse + job->closer;
    const float upper = job->upper[row] + job->passes->step[row] * more;
    job->upper[row] = upper <= INFINITY ? upper : INFINITY;
}

/* Asks for the bounds and steps of a group that will be looked at: what was written last is out of the near caches by now. */
static void ask_for_bounds(const search *of, int64_t group)
{
    if (!(of->most[group] >= of->least)) return;
    __builtin_prefetch(of->upper + group * BN_D31R16_ROWS);
    __builtin_prefetch(of->passes->step + group * BN_D31R16_ROWS);
}

/* Some groups of one search. */
static int64_t bound_some_closer(search *of, int64_t begin, int64_t end)
{
    const bn_matrix *coarse = of->passes->coarse;
    const size_t cols = (size_t)coarse->cols, bytes = bn_d31r16_bits_bytes(cols);
    const uint8_t *bits = (const uint8_t *)coarse->data + bn_d31r16_bits_at((size_t)coarse->rows, cols);
    int32_t rows[CLOSER_GROUPS * BN_D31R16_ROWS];
    int64_t groups[CLOSER_GROUPS], count = 0, group_count = 0;
    for (int64_t g = begin; g < begin + LOOK && g < end; g++) ask_for_bounds(of, g);
    for (int64_t g = begin; g < end; g++) {
        if (g + LOOK < end) ask_for_bounds(of, g + LOOK);
        if (!(of->most[g] >= of->least)) continue;
        groups[group_count++] = g;
        for (int64_t i = g * BN_D31R16_ROWS; i < group_end(g * BN_D31R16_ROWS, coarse->rows); i++) {
            rows[count] = (int32_t)i;
            count += of->upper[i] >= of->least;
        }
    }
    for (int64_t i = 0; i < count + BN_D31R16_AHEAD; i++) {
        if (i < count) bn_d31r16_ask(bits + (size_t)rows[i] * bytes, bytes);
        if (i >= BN_D31R16_AHEAD) bound_closer(of, bits + (size_t)rows[i - BN_D31R16_AHEAD] * bytes, rows[i - BN_D31R16_AHEAD]);
    }
    for (int64_t i = 0; i < group_count; i++)
        of->most[groups[i]] = bn_lanes_largest(bn_lanes_load(of->upper + groups[i] * BN_D31R16_ROWS));
    return count;
}

static void bound_groups_closer(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = 0; t < job->n; t++) {
        search *of = &job->searches[t];
        if (!of->all) atomic_fetch_add_explicit(&of->closely, bound_some_closer(of, begin, end), memory_order_relaxed);
    }
}

/* ---- the results ---- */

/* Hands out what was computed, by rising row. */
static void hand_out(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const passes *job = argument;
    for (int64_t t = begin; t < end; t++) {
        const search *of = &job->searches[t];
        bn_top *top = of->top;
        for (size_t i = 0; i < words((size_t)job->weight->rows); i++)
            for (uint64_t left = of->marked[i]; left != 0; left &= left - 1) {
                const int32_t row = (int32_t)(64 * i) + __builtin_ctzll(left);
                top->found[top->computed] = row;
                top->values[top->computed++] = of->y[row];
            }
    }
}

/* ---- the operation ---- */

/* The codes once where a row has bounds; the fourth bits and the rows of the matrix that each row of x needed. */
static bn_work work_of(const passes *job)
{
    const bn_matrix *weight = job->weight, *coarse = job->coarse;
    bn_work work = {0};
    for (int64_t t = 0; t < job->n; t++) {
        const search *of = &job->searches[t];
        work.bytes += of->top->computed * (int64_t)bn_matrix_bytes(weight->type, 1, weight->cols);
        work.bytes += of->closely * (int64_t)bn_d31r16_bits_bytes((size_t)coarse->cols);
        work.float_multiply_adds += of->top->computed * weight->cols;
        work.multiply_adds += of->all ? 0 : (coarse->rows + of->closely) * coarse->cols;
    }
    if (work.multiply_adds > 0) work.bytes += (int64_t)bn_d31r16_bits_at((size_t)coarse->rows, (size_t)coarse->cols);
    return work;
}

static bn_status check_top(bn_context *ctx, const bn_top *top, int64_t rows)
{
    if (top->count < 1 || top->count > rows || top->id_count < 0 || (top->ids == NULL && top->id_count > 0))
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: %lld of %lld outputs are wanted, and %lld ids",
                       (long long)top->count, (long long)rows, (long long)top->id_count);
    if (top->found == NULL || top->values == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: there is no room for what is found");
    for (int64_t i = 0; i < top->id_count; i++)
        if (top->ids[i] < 0 || top->ids[i] >= rows)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: id %d is outside a matrix of %lld rows", top->ids[i],
                           (long long)rows);
    return BN_OK;
}

static bn_status check(bn_context *ctx, const bn_matrix *weight, const bn_matrix *coarse, const void *scratch)
{
    const bn_status status = bn_check_float_matrix(ctx, "bn_matmul_top", weight);
    if (status != BN_OK) return status;
    if (coarse == NULL || coarse->data == NULL || coarse->type != BN_TYPE_D31_R16)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the coarse matrix is null or not D31_R16 (%d)", BN_TYPE_D31_R16);
    if (coarse->rows != weight->rows || coarse->cols != weight->cols || bn_top_scratch(weight->rows, weight->cols, 1) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the matrix is %lld x %lld, its coarse copy %lld x %lld",
                       (long long)weight->rows, (long long)weight->cols, (long long)coarse->rows, (long long)coarse->cols);
    if (scratch == NULL || (uintptr_t)scratch % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the scratch is null or not 64-byte aligned");
    return BN_OK;
}

bn_status bn_matmul_top(bn_context *ctx, const bn_matrix *weight, const bn_matrix *coarse, bn_top *top, const float *x,
                        int64_t n, void *scratch)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = check(ctx, weight, coarse, scratch);
    if (status != BN_OK) return status;
    if (top == NULL || x == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: a pointer is null");
    if (n < 0) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: %lld rows", (long long)n);
    for (int64_t t = 0; t < n && status == BN_OK; t++) status = check_top(ctx, &top[t], weight->rows);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    const size_t rows = (size_t)weight->rows, cols = (size_t)weight->cols, room = search_bytes(rows, cols);
    passes job = {.weight = weight, .coarse = coarse, .searches = scratch, .n = n, .q_stride = room};
    job.bound = (bn_coarse_fn)bn_kernel_of(ctx, BN_OPERATION_COARSE, BN_FORMAT_D31_R16);
    job.bit_sum = (bn_bit_sum_fn)bn_kernel_of(ctx, BN_OPERATION_BIT_SUM, BN_FORMAT_D31_R16);
    job.exact = (bn_matmul_rows_fn)bn_kernel_of(ctx, BN_OPERATION_MATMUL_ROWS, (bn_format)bn_float_format(weight->type));
    uint8_t *own = (uint8_t *)scratch + lines((size_t)n * sizeof(search));
    job.step = (float *)(void *)own;
    own += lines(rows * sizeof(float));
    for (int64_t t = 0; t < n; t++, own += room) {
        search of = {.passes = &job, .top = &top[t], .x = x + t * weight->cols, .q = (int8_t *)own};
        of.y = (float *)(void *)(own + lines(cols));
        of.upper = (float *)(void *)((uint8_t *)of.y + lines(rows * sizeof(float)));
        of.most = (float *)(void *)((uint8_t *)of.upper + lines(rows * sizeof(float)));
        of.marked = (uint64_t *)(void *)((uint8_t *)of.most + lines(bn_d31r16_groups(rows) * sizeof(float)));
        of.list = (int32_t *)(void *)((uint8_t *)of.marked + lines(words(rows) * sizeof(uint64_t)));
        memset(of.marked, 0, words(rows) * sizeof *of.marked);
        job.searches[t] = of;
        top[t].computed = 0;
    }
    bn_parallel(ctx, n, 1, prepare_rows, &job);
    coarse_pass(ctx, &job);
    bn_parallel(ctx, n, 1, list_first, &job);
    exact_pass(ctx, &job);
    bn_parallel(ctx, n, 1, set_least, &job);
    bn_parallel(ctx, (int64_t)bn_d31r16_groups(rows), CLOSER_GROUPS, bound_groups_closer, &job);
    bn_parallel(ctx, n, 1, list_rest, &job);
    exact_pass(ctx, &job);
    bn_parallel(ctx, n, 1, hand_out, &job);
    bn_count(ctx, work_of(&job));
    return bn_leave(ctx);
}
