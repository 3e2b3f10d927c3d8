/*
 * The largest outputs of a matrix without reading all of it: a coarse pass bounds every output from above, the most
 * promising rows are computed exactly, and then every row whose bound reaches what they reached. docs/two-pass-head.md
 * proves the bound; the names here are those there.
 */
#include <math.h>
#include <string.h>

#include "formats/d4r16.h"
#include "ops.h"

enum {
    COARSE_BYTES = 64 * 1024, /* of one piece of the coarse pass, about                           */
    COARSE_GROUPS = 64,       /* and its groups at most                                           */
    EXACT_ROWS = 16,          /* rows of one piece of the exact pass                              */
    MORE = 4,                 /* so many times the wanted rows are computed first, and ...        */
    EXTRA = 16                /* ... so many more: their count-th largest is close to the final one */
};

typedef struct search {
    const bn_top *top;
    const float *x;
    float *y;
    float *upper;  /* [rows] bound on y; minus infinity once listed */
    int32_t *list; /* [rows] rows to be computed exactly            */
    int64_t listed, computed;
    int8_t *q;           /* p: x in int8, dithered */
    float inverse;       /* 1 / s                  */
    float shift, margin; /* B and M                */
    bn_coarse_fn coarse;
    bn_matmul_rows_fn exact;
} search;

static size_t lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t bn_top_scratch(int64_t rows, int64_t cols)
{
    if (bn_matrix_bytes(BN_TYPE_D4_R16, rows, cols) == 0) return 0;
    return lines((size_t)cols) + lines((size_t)rows * sizeof(float)) + lines((size_t)rows * sizeof(int32_t));
}

/* ---- the coarse pass ---- */

/* M: what d times it adds to a coarse output so that it exceeds the exact one but for BN_TOP_FAILURE / count. */
static double margin(double norm, double s, double ratio, double cols, double count)
{
    const double z = sqrt(2 * log(count / BN_TOP_FAILURE));
    const double dither = z * sqrt((norm * norm + ratio * ratio / (s * s)) / 12);
    const double product = (cols / 32 + 16) * 0x1p-24 * ratio * norm;
    const double shifts = sqrt(cols) * (0x1p-19 * norm + 0x1p-23 * ratio / s);
    const double sums = cols * (0x1p-10 + (cols / 16 + 5) * 7.5 * 0x1p-24) / s;
    return (dither + product + shifts + sums) * (1 + 0x1p-20);
}

/* Quantises x and sets the constants of the bound. 0 when x is too small, too large or not finite for it. */
static int prepare(search *job)
{
    const size_t cols = (size_t)job->top->weight->cols;
    double squares = 0, largest = 0, shift = 0;
    for (size_t k = 0; k < cols; k++) {
        const double x = (double)job->x[k];
        squares += x * x;
        largest = fmax(largest, fabs(x));
    }
    const double norm = sqrt(squares);
    if (!(norm >= 0x1p-60 && norm <= 0x1p60)) return 0;
    const double s = 127 / largest;
    for (size_t k = 0; k < cols; k++) {
        const bn_dither dither = bn_d4r16_dither(k);
        const double v = (double)dither.activation, p = fmin(127, floor((double)job->x[k] * s + v + 0.5));
        job->q[k] = (int8_t)p;
        shift += (7.5 + (double)dither.weight) * (v - p);
    }
    float ratio;
    const bn_matrix *coarse = job->top->coarse;
    memcpy(&ratio, (const uint8_t *)coarse->data + bn_matrix_bytes(coarse->type, coarse->rows, coarse->cols) - BN_D4R16_TAIL,
           sizeof ratio);
    job->inverse = (float)(1 / s);
    job->shift = (float)shift;
    job->margin = (float)margin(norm, s, (double)ratio, (double)cols, (double)job->top->count);
    return 1;
}

/* upper = d ((dot - sum of n v + B) / s + M); a bound that is not a number is as good as none. */
static void bound_groups(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const search *job = argument;
    const size_t cols = (size_t)job->top->weight->cols, rows = (size_t)job->top->weight->rows;
    const size_t bytes = bn_d4r16_group_bytes(cols), groups = (size_t)(end - begin);
    const uint8_t *w = (const uint8_t *)job->top->coarse->data + (size_t)begin * bytes;
    int32_t dot[COARSE_GROUPS * BN_D4R16_ROWS];
    job->coarse(w, cols, groups, job->q, dot);
    for (size_t g = 0; g < groups; g++) {
        float header[2 * BN_D4R16_ROWS];
        memcpy(header, w + g * bytes, sizeof header);
        const size_t first = ((size_t)begin + g) * BN_D4R16_ROWS;
        const size_t count = rows - first < BN_D4R16_ROWS ? rows - first : BN_D4R16_ROWS;
        for (size_t r = 0; r < count; r++) {
            const float sum = (float)dot[g * BN_D4R16_ROWS + r] - header[BN_D4R16_ROWS + r] + job->shift;
            const float upper = header[r] * (sum * job->inverse + job->margin);
            job->upper[first + r] = upper <= INFINITY ? upper : INFINITY;
            job->y[first + r] = -INFINITY;
        }
    }
}

static void coarse_pass(bn_context *ctx, search *job)
{
    const size_t bytes = bn_d4r16_group_bytes((size_t)job->top->weight->cols);
    const int64_t piece = bytes * COARSE_GROUPS <= COARSE_BYTES ? COARSE_GROUPS
                          : bytes <= COARSE_BYTES               ? (int64_t)(COARSE_BYTES / bytes)
                                                                : 1;
    bn_parallel(ctx, (int64_t)bn_d4r16_groups((size_t)job->top->weight->rows), piece, bound_groups, job);
}

/* ---- the exact pass ---- */

static void some_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const search *job = argument;
    job->exact(job->top->weight->data, (size_t)job->top->weight->cols, job->list + begin, (size_t)(end - begin), job->x,
               job->y);
}

/* Computes the rows of the list. */
static void exact_pass(bn_context *ctx, search *job)
{
    bn_parallel(ctx, job->listed, EXACT_ROWS, some_rows, job);
    job->computed += job->listed;
    job->listed = 0;
}

/* Lists a row unless it was listed before. */
static void list_row(search *job, int32_t row)
{
    if (job->upper[row] == -INFINITY) return;
    job->upper[row] = -INFINITY;
    job->list[job->listed++] = row;
}

/* Lists the rows whose bound reaches least. Blocks without any, nearly all, take one comparison of vectors. */
static void list_from(search *job, float least)
{
    const int64_t rows = job->top->weight->rows;
    int64_t i = 0;
    for (; i + 16 <= rows; i += 16) {
        int32_t any = 0;
        for (int64_t j = 0; j < 16; j++) any |= job->upper[i + j] >= least;
        for (int64_t j = 0; any && j < 16; j++)
            if (job->upper[i + j] >= least) list_row(job, (int32_t)(i + j));
    }
    for (; i < rows; i++)
        if (job->upper[i] >= least) list_row(job, (int32_t)i);
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
    const int64_t rows = job->top->weight->rows;
    int32_t *heap = job->list;
    const float *key = job->upper;
    for (int64_t i = 0; i < count; i++) heap[i] = (int32_t)i;
    heapify(heap, count, key);
    for (int64_t i = count; i < rows;) {
        const float least = key[heap[0]];
        int32_t any = 0;
        const int64_t last = rows - i < 16 ? rows : i + 16;
        for (int64_t j = i; j < last; j++) any |= key[j] > least;
        for (; any && i < last; i++) {
            if (key[i] <= key[heap[0]]) continue;
            heap[0] = (int32_t)i;
            sift_down(heap, count, 0, key);
        }
        i = last;
    }
    job->listed = count;
    for (int64_t i = 0; i < count; i++) job->upper[heap[i]] = -INFINITY;
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

static void find(bn_context *ctx, search *job)
{
    const int64_t rows = job->top->weight->rows, count = job->top->count, promising = MORE * count + EXTRA;
    if (count > rows / 6 || promising > rows || !prepare(job)) {
        for (int64_t i = 0; i < rows; i++) job->list[i] = (int32_t)i;
        job->listed = rows;
        exact_pass(ctx, job);
        return;
    }
    coarse_pass(ctx, job);
    list_most_promising(job, promising);
    exact_pass(ctx, job);
    list_from(job, reached(job, count, promising));
    for (int64_t i = 0; i < job->top->id_count; i++) list_row(job, job->top->ids[i]);
    exact_pass(ctx, job);
}

/* ---- the operation ---- */

static bn_status check(bn_context *ctx, const bn_top *top, const float *x, const float *y, const int64_t *computed)
{
    if (top == NULL || x == NULL || y == NULL || computed == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: a pointer is null");
    const bn_status status = bn_check_float_matrix(ctx, "bn_matmul_top", top->weight);
    if (status != BN_OK) return status;
    const int64_t rows = top->weight->rows, cols = top->weight->cols;
    const bn_matrix *coarse = top->coarse;
    if (coarse == NULL || coarse->data == NULL || coarse->type != BN_TYPE_D4_R16)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the coarse matrix is null or not D4_R16 (%d)", BN_TYPE_D4_R16);
    if (coarse->rows != rows || coarse->cols != cols || bn_top_scratch(rows, cols) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the matrix is %lld x %lld, its coarse copy %lld x %lld",
                       (long long)rows, (long long)cols, (long long)coarse->rows, (long long)coarse->cols);
    if (top->scratch == NULL || (uintptr_t)top->scratch % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: the scratch is null or not 64-byte aligned");
    if (top->count < 1 || top->count > rows || top->id_count < 0 || (top->ids == NULL && top->id_count > 0))
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: %lld of %lld rows are wanted, and %lld ids",
                       (long long)top->count, (long long)rows, (long long)top->id_count);
    for (int64_t i = 0; i < top->id_count; i++)
        if (top->ids[i] < 0 || top->ids[i] >= rows)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matmul_top: id %d is outside a matrix of %lld rows", top->ids[i],
                           (long long)rows);
    return BN_OK;
}

bn_status bn_matmul_top(bn_context *ctx, const bn_top *top, const float *x, float *y, int64_t *computed)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = check(ctx, top, x, y, computed);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    const size_t rows = (size_t)top->weight->rows, cols = (size_t)top->weight->cols;
    const bn_format format = (bn_format)bn_float_format(top->weight->type);
    uint8_t *scratch = top->scratch;
    search job = {.top = top, .x = x, .y = y, .q = (int8_t *)scratch};
    job.upper = (float *)(void *)(scratch + lines(cols));
    job.list = (int32_t *)(void *)(scratch + lines(cols) + lines(rows * sizeof(float)));
    job.coarse = (bn_coarse_fn)bn_kernel_of(ctx, BN_OPERATION_COARSE, BN_FORMAT_D4_R16);
    job.exact = (bn_matmul_rows_fn)bn_kernel_of(ctx, BN_OPERATION_MATMUL_ROWS, format);
    find(ctx, &job);
    *computed = job.computed;
    return bn_leave(ctx);
}
