/*
 * One row of activations by weights of which rows are left out: those of ffn_up behind gates that a ReLU closes.
 *
 * Where the gates are computed in the same call, a thread takes some rows of the gate's matrix, a lot, and then the rows
 * of the other matrix that the lot before left open:
 *
 *     gate    | lot 0 |           | lot 1 |           | lot 2 |
 *     up                  asks for 0         0, asks for 1        1, asks for 2
 *
 * The gate's matrix is read from its first to its last line, which the processor fetches ahead by itself; scattered rows
 * have to be asked for, of which a core has only so many requests under way. Asking between pieces of the gate's matrix
 * gets both at a time.
 */
#include <string.h>

#include "linear.h"

enum {
    LINE = 64,
    LOOK = 256,       /* rows after a piece whose gates are looked at to ask for their weights */
    LOT = 80,         /* rows of a lot, about                                                  */
    PIECES = 4,       /* of some lots each, for every thread                                   */
    SLICE = 4 * 1024  /* bytes of the gate's matrix between two requests                       */
};

/* Rows that a run of a product's rows needs, counted from its first. */
typedef struct open_rows {
    int64_t begin, end;
    size_t count, ahead; /* those of the run, and those that come after it */
    bool scattered;      /* few enough to be read by themselves            */
    int32_t row[BN_RUN_ROWS + LOOK + 1];
} open_rows;

/* Lists rows from `begin` to `end` whose gate is not <= 0: that of a NaN counts. */
static size_t list_open(const float *gate, int64_t begin, int64_t end, int64_t first, int32_t *list)
{
    size_t count = 0;
    for (int64_t i = begin; i < end; i++) {
        list[count] = (int32_t)(i - first);
        count += !(gate[i] <= 0);
    }
    return count;
}

/*
 * Looks at the gates of rows [begin, end) and of `look` rows after them. When more than two fifths are open all are read, one
 * after the other: memory gives neighbouring rows more than twice as fast as scattered ones.
 */
static void look_at(const bn_product *product, int64_t begin, int64_t end, int64_t look, open_rows *open)
{
    const int64_t left = product->weight->rows - end;
    open->begin = begin;
    open->end = end;
    open->count = list_open(product->gate, begin, end, begin, open->row);
    open->ahead = list_open(product->gate, end, end + (left < look ? left : look), begin, open->row + open->count);
    open->scattered = 5 * open->count <= 2 * (size_t)(end - begin);
}

/* The outputs of open rows, from sums that lie as close as the list: those of single rows would be a call each. */
static void store_open(const bn_one_row *one, const bn_product *product, const open_rows *open, const int32_t *dot)
{
    float some[BN_RUN_ROWS], *y = product->y + open->begin;
    const bn_product close = {product->weight, some, 0, 0, 0, NULL};
    bn_linear_epilogue(one->epilogue, &close, one->x, 0, 0, open->count, dot, false);
    if (!product->accumulate) memset(y, 0, (size_t)(open->end - open->begin) * sizeof *y);
    for (size_t i = 0; i < open->count; i++) y[open->row[i]] = product->accumulate ? y[open->row[i]] + some[i] : some[i];
}

static void compute(const bn_one_row *one, const bn_product *product, const open_rows *open)
{
    const uint8_t *w = bn_ternary_row(product->weight, open->begin);
    const size_t cols = one->cols[BN_FORMAT_I2_S], all = (size_t)(open->end - open->begin);
    int32_t dot[BN_RUN_ROWS];
    if (open->scattered) {
        atomic_fetch_add_explicit(one->skipped, (int64_t)(all - open->count), memory_order_relaxed);
        one->gemv_rows(w, cols, open->row, open->count, open->ahead, one->x->q, dot);
    } else {
        one->gemv[BN_FORMAT_I2_S](w, cols, all, one->x->q, dot);
        for (size_t i = 0; i < open->count; i++) dot[i] = dot[open->row[i]];
    }
    store_open(one, product, open, dot);
}

void bn_linear_open_rows(const bn_one_row *one, const bn_product *product, int64_t begin, int64_t end)
{
    open_rows open;
    look_at(product, begin, end, LOOK, &open);
    compute(one, product, &open);
}

/* ---- with the gates ---- */

typedef struct gated {
    const bn_one_row *one;
    const bn_product *gate, *product;
    bn_format format; /* of the gate's matrix        */
    int64_t lot;      /* rows: whole groups of those */
} gated;

/* Lines of the rows that a lot left open, to be asked for in as many parts as there are slices of the next. */
typedef struct requests {
    const uint8_t *w;
    size_t row_bytes, lines; /* of one row      */
    const open_rows *open;
    size_t next, all;        /* lines of all    */
} requests;

static requests requests_for(const gated *job, const open_rows *open)
{
    const size_t row_bytes = job->one->cols[BN_FORMAT_I2_S] / 4, lines = (row_bytes + LINE - 1) / LINE;
    return (requests){bn_ternary_row(job->product->weight, open->begin), row_bytes, lines, open, 0,
                      open->scattered ? open->count * lines : 0};
}

static void ask(requests *ahead, size_t count)
{
    for (; count > 0 && ahead->next < ahead->all; count--, ahead->next++) {
        const size_t row = (size_t)ahead->open->row[ahead->next / ahead->lines];
        __builtin_prefetch(ahead->w + row * ahead->row_bytes + ahead->next % ahead->lines * LINE, 0, 2);
    }
}

/* The gate's rows [begin, end), whole groups of its type or all that are left, the sums over columns in parts. */
static void gates(const gated *job, int64_t begin, int64_t end, requests *ahead)
{
    const bn_matrix *weight = job->gate->weight;
    const int64_t group = bn_ternary_group(weight->type);
    const size_t cols = job->one->cols[job->format];
    const size_t slices = (bn_matrix_bytes(weight->type, group, weight->cols) - 1) / SLICE + 1;
    const size_t part = ahead->all / (slices * (size_t)((end - begin - 1) / group + 1)) + 1;
    int32_t dot[BN_RUN_ROWS], some[BN_RUN_ROWS];
    memset(dot, 0, (size_t)(end - begin) * sizeof *dot);
    for (int64_t row = begin; row < end; row += group) {
        const uint8_t *w = bn_ternary_row(weight, row);
        const size_t rows = (size_t)(end - row < group ? end - row : group);
        const size_t column = bn_matrix_bytes(weight->type, (int64_t)rows, weight->cols) / cols;
        const size_t slice = SLICE / column;
        for (size_t k = 0; k < cols; k += slice) {
            ask(ahead, part);
            job->one->gemv[job->format](w + k * column, cols - k < slice ? cols - k : slice, rows, job->one->x->q + k, some);
            for (size_t i = 0; i < rows; i++) dot[(size_t)(row - begin) + i] += some[i];
        }
    }
    bn_linear_epilogue(job->one->epilogue, job->gate, job->one->x, 0, begin, (size_t)(end - begin), dot, false);
}

static void run_of_lots(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const gated *job = argument;
    open_rows open = {.begin = begin, .end = begin};
    for (; begin < end; begin += job->lot) {
        const int64_t last = end - begin < job->lot ? end : begin + job->lot;
        requests ahead = requests_for(job, &open);
        gates(job, begin, last, &ahead);
        if (open.begin < open.end) compute(job->one, job->product, &open);
        look_at(job->product, begin, last, 0, &open);
    }
    compute(job->one, job->product, &open);
}

void bn_linear_gate_and_rows(bn_context *ctx, const bn_one_row *one, const bn_product *gate, const bn_product *product)
{
    const int64_t rows = gate->weight->rows, group = bn_ternary_group(gate->weight->type);
    const int64_t lot = (LOT + group - 1) / group * group;
    const int64_t run = rows / (PIECES * bn_context_threads(ctx)) / lot * lot;
    gated job = {one, gate, product, (bn_format)bn_ternary_format(gate->weight->type), lot};
    bn_parallel(ctx, rows, run < lot ? lot : run, run_of_lots, &job);
}
