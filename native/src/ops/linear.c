/*
 * BitLinear: exact integer products, then one epilogue that every ISA shares, so that the floats are the same too.
 *
 * One row of activations (decode) reads every weight once: the rows of all products are laid end to end and each
 * thread streams through its own run of them. Rows that are left out are linear_gated.c's, several rows of activations
 * linear_many.c's, weights that are indices into tables linear_tables.c's.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "formats/i2s.h"
#include "linear.h"

enum {
    RUN_BYTES = 32 * 1024, /* weights of one piece of a matrix-vector product, about                 */
    GATED = 4,             /* times as much in a piece when most of it is perhaps not read           */
    MAX_COLS = 1 << 19     /* 64 * 2 * 128 * cols / 4 stays below 2^31 in every lane of every kernel */
};

typedef struct linear {
    const bn_product *products;
    const bn_one_row *one;
    int64_t step; /* every product begins and is cut at multiples of it */
    bool gated;   /* some product is                                    */
} linear;

/* Rows of a product in the sequence of all products: whole steps, so that each product begins with one. */
static int64_t span_of(const linear *job, const bn_product *product)
{
    return (product->weight->rows + job->step - 1) / job->step * job->step;
}

/* Rows [begin, end) of all products laid end to end, by one row of activations. */
static void run_of_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const linear *job = argument;
    const bn_product *product = job->products;
    int32_t dot[BN_RUN_ROWS];
    while (begin < end) {
        const bn_matrix *weight = product->weight;
        const int64_t span = span_of(job, product);
        if (begin < span) {
            const int64_t last = end < weight->rows ? end : weight->rows;
            const size_t count = (size_t)(last - begin);
            if (bn_linear_leaves_out(product)) {
                bn_linear_open_rows(job->one, product, begin, last);
            } else {
                const int32_t format = bn_ternary_format(weight->type);
                job->one->gemv[format](bn_ternary_row(weight, begin), job->one->cols[format], count, job->one->x->q, dot);
                bn_linear_epilogue(job->one->epilogue, product, job->one->x, 0, begin, count, dot, false);
            }
            begin = span;
        }
        begin -= span;
        end -= span;
        product++;
    }
}

/*
 * Rows of one piece. With I2_C each piece looks through the activations for those that are not 0, which is worth while
 * for as many strips as leave a piece for every thread.
 */
static int64_t run_length(const bn_context *ctx, const linear *job, int64_t rows)
{
    int64_t run = RUN_BYTES / ((job->one->x->cols + 3) / 4);
    if (job->gated) run *= GATED;
    if (job->step % BN_I2C_STRIP == 0) run = rows / bn_context_threads(ctx);
    run = run / job->step * job->step;
    return run < job->step ? job->step : run > BN_RUN_ROWS ? BN_RUN_ROWS : run;
}

/* Products of which none waits for another, in one parallel region. */
static void side_by_side(bn_context *ctx, const bn_one_row *one, const bn_product *products, int32_t count)
{
    linear job = {.products = products, .one = one, .step = BN_I2R16_ROWS};
    for (int32_t i = 0; i < count; i++) {
        const int64_t group = bn_ternary_group(products[i].weight->type);
        for (const int64_t step = job.step; job.step % group != 0;) job.step += step;
        job.gated |= bn_linear_leaves_out(&products[i]);
    }
    int64_t rows = 0;
    for (int32_t i = 0; i < count; i++) rows += span_of(&job, &products[i]);
    bn_parallel(ctx, rows, run_length(ctx, &job, rows), run_of_rows, &job);
}

/*
 * Whether a product waits for the one before it, row by row, so that both can share a parallel region of their own. Not
 * beside I2_S: as many gates may be open as not, and two runs over all rows come faster one after the other.
 */
static bool pair(const bn_product *products)
{
    return bn_linear_waits(&products[1], &products[0]) && products[1].weight->rows == products[0].weight->rows &&
           products[0].weight->type != BN_TYPE_I2_S;
}

/* Gives the rows behind closed gates that were not read. */
static int64_t one_row(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x)
{
    atomic_int_fast64_t skipped = 0;
    bn_one_row one = {.x = x, .skipped = &skipped};
    one.epilogue = (bn_epilogue_fn)bn_kernel_of(ctx, BN_OPERATION_EPILOGUE, BN_FORMAT_F32);
    for (int32_t f = BN_FORMAT_I2_S; f <= BN_FORMAT_B3_R80; f++) {
        one.gemv[f] = (bn_gemv_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV, (bn_format)f);
        one.cols[f] = f == BN_FORMAT_I2_S ? bn_i2s_whole((size_t)x->cols) : (size_t)x->cols;
    }
    one.gemv_rows = (bn_gemv_rows_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV_ROWS, BN_FORMAT_I2_S);
    if (count == 2 && pair(products))
        bn_linear_gate_and_rows(ctx, &one, &products[0], &products[1]);
    else
        side_by_side(ctx, &one, products, count);
    return atomic_load(&skipped);
}

/* ---- what was read ---- */

/* Inputs that are not 0. A product by I2_C leaves out the columns of the others, row after row of activations. */
typedef struct inputs {
    int64_t any; /* columns with one: what comes from memory */
    int64_t all; /* of all rows: what is multiplied          */
} inputs;

/* In parts that compilers turn into vectors, as every token counts for each of its products by columns. */
static inputs inputs_of(const bn_quantized *x, int64_t n)
{
    enum { PART = 64 };
    inputs count = {0};
    for (int64_t k = 0; k < x->cols; k += PART) {
        const int64_t part = x->cols - k < PART ? x->cols - k : PART;
        uint8_t any[PART] = {0};
        int32_t some = 0, all = 0;
        for (int64_t r = 0; r < n; r++) {
            const int8_t *q = x->q + r * x->stride + k;
            for (int64_t i = 0; i < part; i++) {
                const uint8_t one = q[i] != 0;
                any[i] |= one;
                all += one;
            }
        }
        for (int64_t i = 0; i < part; i++) some += any[i];
        count.any += some;
        count.all += all;
    }
    return count;
}

/* All products have the same inputs, so that a row of one is as many multiply-adds as a row of another. */
static bn_work work_of(const bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n, int64_t skipped)
{
    bn_work work = {0};
    for (int32_t i = 0; i < count; i++) {
        const bn_matrix *weight = products[i].weight;
        const int by_columns = weight->type == BN_TYPE_I2_C && bn_linear_row_after_row(ctx, weight, n);
        const inputs read = by_columns ? inputs_of(x, n) : (inputs){x->cols, n * x->cols};
        const int64_t bytes = (int64_t)bn_matrix_bytes(weight->type, weight->rows, weight->cols);
        work.bytes += bytes - bytes / weight->cols * (x->cols - read.any);
        work.multiply_adds += weight->rows * read.all;
    }
    work.bytes -= skipped * (int64_t)bn_matrix_bytes(BN_TYPE_I2_S, 1, x->cols);
    work.multiply_adds -= skipped * x->cols;
    return work;
}

static bn_status check_product(bn_context *ctx, const bn_product *product, int32_t i, const bn_quantized *x)
{
    const bn_matrix *weight = product->weight;
    if (weight == NULL || weight->data == NULL || product->y == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has a null pointer", i);
    if (bn_ternary_format(weight->type) < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_linear: product %d has weights of type %d, not I2_S (36), TL1 (38), TL2 (39), I2_R16 (1016), "
                       "I2_C (1017) or B3_R80 (1080)",
                       i, weight->type);
    if (bn_matrix_bytes(weight->type, weight->rows, weight->cols) == 0 || weight->cols > MAX_COLS)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has the impossible shape %lld x %lld", i,
                       (long long)weight->rows, (long long)weight->cols);
    if (bn_tiled(weight->type)) {
        const bn_status status = bn_matrix_check(ctx, weight);
        if (status != BN_OK) return status;
    }
    if (weight->cols != x->cols)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has %lld inputs, x has %lld", i,
                       (long long)weight->cols, (long long)x->cols);
    if (product->y_stride < weight->rows)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has y_stride %lld for %lld outputs", i,
                       (long long)product->y_stride, (long long)weight->rows);
    return BN_OK;
}

static bn_status check(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    if (products == NULL || x == NULL || x->q == NULL || x->scale == NULL || x->sum == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: a pointer is null");
    if (count < 0 || n < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: %d products of %lld rows", count, (long long)n);
    if (x->stride != bn_quantized_stride(x->cols) || (uintptr_t)x->q % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: x has stride %lld for %lld columns, or is not 64-byte aligned",
                       (long long)x->stride, (long long)x->cols);
    for (int32_t i = 0; i < count; i++) {
        const bn_status status = check_product(ctx, &products[i], i, x);
        if (status != BN_OK) return status;
        if (products[i].gate != NULL && n > 1)
            return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has a gate and %lld rows, not 1", i, (long long)n);
    }
    return BN_OK;
}

/*
 * The end of the products from `first` on that share a parallel region: all but in a call that mixes tables with others, or
 * where one waits for another.
 */
static int32_t alike(const bn_context *ctx, const bn_product *products, int32_t count, int32_t first, int64_t n)
{
    const bool looks_up = bn_linear_looks_up(ctx, products[first].weight, n);
    int32_t i = first + 1;
    for (; i < count && bn_linear_looks_up(ctx, products[i].weight, n) == looks_up; i++) {
        if (pair(&products[i - 1])) return i - 1 == first ? i + 1 : i - 1;
        for (int32_t before = first; before < i; before++)
            if (bn_linear_waits(&products[i], &products[before])) return i;
    }
    return i;
}

bn_status bn_linear(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = check(ctx, products, count, x, n);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    int64_t skipped = 0;
    for (int32_t i = 0, next; i < count && n > 0 && status == BN_OK; i = next) {
        next = alike(ctx, products, count, i, n);
        if (bn_linear_looks_up(ctx, products[i].weight, n))
            status = bn_linear_tables(ctx, products + i, next - i, x, n);
        else if (n == 1)
            skipped += one_row(ctx, products + i, next - i, x);
        else
            status = bn_linear_many(ctx, products + i, next - i, x, n);
    }
    if (status == BN_OK && n > 0 && count > 0) bn_count(ctx, work_of(ctx, products, count, x, n, skipped));
    const bn_status left = bn_leave(ctx);
    return status != BN_OK ? status : left;
}
