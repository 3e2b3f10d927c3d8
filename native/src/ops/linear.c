/*
 * BitLinear: exact integer products, then one epilogue that every ISA shares, so that the floats are the same too.
 *
 * One row of activations (decode) reads every weight once: the rows of all products are laid end to end and each
 * thread streams through its own run of them. Several rows (prefill, many sequences) are cut into tiles, weight rows by
 * activation rows: a panel of weights and the activations stay in the second-level cache while the kernel works on
 * registers. Kernels for that know only I2_S: panels of other types are unpacked first. Many rows are, as far as they go,
 * cut into blocks of 80 and 56 for the kernel with tables, where there is one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "formats/i2s.h"
#include "ops.h"

enum {
    RUN_BYTES = 32 * 1024, /* weights of one piece of a matrix-vector product, about                */
    RUN_ROWS = 1024,       /* and its rows at most                                                  */
    GATED = 4,             /* times as much in a piece when most of it is perhaps not read          */
    LOOK = 256,            /* rows after a piece whose gates are looked at to ask for their weights */
    TILE_ROWS = 64,        /* of weights in a tile of a matrix-matrix product, or one group         */
    TILE = 64 * 96,        /* its sums                                                              */
    LUT_LEAST_ROWS = 256,  /* weight rows that repay the making of tables                           */
    LUT_WEIGHTS = 9 << 19, /* weights of a piece by 80 activation rows: about a millisecond         */
    BLOCK_STRIDE = BN_GEMM_LUT_ROWS + 16, /* an odd number of lines: tokens fall into different cache sets */
    MAX_COLS = 1 << 19     /* 64 * 2 * 128 * cols / 4 stays below 2^31 in every lane of every kernel */
};

typedef struct linear {
    const bn_product *products;
    const bn_quantized *x;
    int64_t n;
    int64_t step; /* n = 1: every product begins and is cut at multiples of it */
    int gated;    /* n = 1: some product is                                    */
    bn_gemv_fn gemv[BN_FORMAT_COUNT];
    bn_gemv_rows_fn gemv_rows; /* I2_S */
    bn_gemm_fn gemm;
    bn_gemm_lut_fn gemm_lut; /* or null */
    bn_context *ctx;
    int64_t wide, narrow;                    /* blocks of activation rows that a product by tables begins with */
    size_t tables_bytes, dot_bytes, i2s_bytes; /* of each thread's scratch                                       */
    uint8_t *scratch;
} linear;

/* Rows of a product in the sequence of all products: whole steps, so that each product begins with one. */
static int64_t span_of(const linear *job, const bn_product *product)
{
    return (product->weight->rows + job->step - 1) / job->step * job->step;
}

/* y[i] = (or +=) (dot[i] - sum) * (scale / s): the dot product is exact, the factor is one for the row */
static void epilogue(const bn_product *product, const bn_quantized *x, int64_t r, int64_t row, size_t rows,
                     const int32_t *restrict dot)
{
    float *restrict y = product->y + r * product->y_stride + row;
    const int32_t sum = x->sum[r];
    const float factor = product->weight->scale / x->scale[r];
    if (product->accumulate) {
        for (size_t i = 0; i < rows; i++) y[i] += (float)(dot[i] - sum) * factor;
    } else {
        for (size_t i = 0; i < rows; i++) y[i] = (float)(dot[i] - sum) * factor;
    }
}

/* The rows from `begin` to `end` whose gate is not <= 0 (that of a NaN counts), less `first`, to list. */
static size_t open_gates(const float *gate, int64_t begin, int64_t end, int64_t first, int32_t *list)
{
    size_t count = 0;
    for (int64_t i = begin; i < end; i++) {
        list[count] = (int32_t)(i - first);
        count += !(gate[i] <= 0);
    }
    return count;
}

/*
 * Rows [begin, end) of a gated product: those with an open gate as ever, 0 for the others. When more than two fifths are
 * open all are read, one after the other: memory gives neighbouring rows more than twice as fast as scattered ones.
 */
static void gated_rows(const linear *job, const bn_product *product, int64_t begin, int64_t end)
{
    const bn_matrix *weight = product->weight;
    const uint8_t *w = bn_ternary_row(weight, begin);
    const size_t cols = (size_t)weight->cols, all = (size_t)(end - begin);
    const int64_t look = weight->rows - end < LOOK ? weight->rows : end + LOOK;
    int32_t list[RUN_ROWS + LOOK + 1], dot[RUN_ROWS];
    const size_t count = open_gates(product->gate, begin, end, begin, list);
    const size_t ahead = open_gates(product->gate, end, look, begin, list + count);
    const int scattered = 5 * count <= 2 * all;
    if (scattered)
        job->gemv_rows(w, cols, list, count, ahead, job->x->q, dot);
    else
        job->gemv[BN_FORMAT_I2_S](w, cols, all, job->x->q, dot);
    if (!product->accumulate) memset(product->y + begin, 0, all * sizeof *product->y);
    for (size_t i = 0; i < count; i++)
        epilogue(product, job->x, 0, begin + list[i], 1, scattered ? dot + i : dot + list[i]);
}

/* Rows [begin, end) of all products laid end to end, by one row of activations. */
static void run_of_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const linear *job = argument;
    const bn_product *product = job->products;
    int32_t dot[RUN_ROWS];
    while (begin < end) {
        const bn_matrix *weight = product->weight;
        const int64_t span = span_of(job, product);
        if (begin < span) {
            const int64_t last = end < weight->rows ? end : weight->rows;
            const size_t count = (size_t)(last - begin);
            if (product->gate != NULL && weight->type == BN_TYPE_I2_S) {
                gated_rows(job, product, begin, last);
            } else {
                const bn_gemv_fn gemv = job->gemv[bn_ternary_format(weight->type)];
                gemv(bn_ternary_row(weight, begin), (size_t)weight->cols, count, job->x->q, dot);
                epilogue(product, job->x, 0, begin, count, dot);
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
    int64_t run = RUN_BYTES / ((job->x->cols + 3) / 4);
    if (job->gated) run *= GATED;
    if (job->step == BN_I2C_STRIP) run = rows / bn_context_threads(ctx);
    run = run / job->step * job->step;
    return run < job->step ? job->step : run > RUN_ROWS ? RUN_ROWS : run;
}

/* ---- several rows of activations: weights as rows of I2_S ---- */

/* A thread's share of the scratch. */
typedef struct share {
    void *tables; /* of gemm_lut                          */
    int32_t *dot; /* sums of a block, BLOCK_STRIDE a token */
    uint8_t *i2s; /* unpacked rows of weights             */
} share;

static share share_of(const linear *job, int32_t thread)
{
    uint8_t *begin = job->scratch + (size_t)thread * (job->tables_bytes + job->dot_bytes + job->i2s_bytes);
    return (share){begin, (int32_t *)(void *)(begin + job->tables_bytes), begin + job->tables_bytes + job->dot_bytes};
}

/* Columns that the rows have in I2_S. */
static size_t whole_cols(const bn_matrix *weight)
{
    return bn_i2s_row_bytes((size_t)weight->cols) * 4;
}

/* Rows [row, row + rows) in I2_S: where they are, or unpacked. row is a multiple of the type's group. */
static const uint8_t *i2s_rows(const linear *job, const bn_matrix *weight, int64_t row, int64_t rows, uint8_t *to)
{
    if (weight->type == BN_TYPE_I2_S) return bn_ternary_row(weight, row);
    const bn_format format = (bn_format)bn_ternary_format(weight->type);
    const bn_unpack_fn unpack = (bn_unpack_fn)bn_kernel_of(job->ctx, BN_OPERATION_UNPACK, format);
    const size_t cols = (size_t)weight->cols, row_bytes = bn_i2s_row_bytes(cols);
    const int64_t group = bn_ternary_group(weight->type);
    for (int64_t i = 0; i < rows; i += group)
        unpack(bn_ternary_row(weight, row + i), cols, (size_t)(rows - i < group ? rows - i : group),
               to + (size_t)i * row_bytes);
    return to;
}

/* ---- many rows of activations: blocks, with tables ---- */

/*
 * Weight rows of a piece: nearly equal panels, enough of them for about three pieces a thread. 0 when the product has no
 * use for tables: too few rows, or too few for all threads to have work.
 */
static int64_t panel_rows(const linear *job, const bn_matrix *weight)
{
    const int64_t blocks = job->wide + job->narrow, threads = bn_context_threads(job->ctx);
    if (job->gemm_lut == NULL || blocks == 0 || weight->rows % 4 != 0) return 0;
    int64_t most = LUT_WEIGHTS / weight->cols;
    most = most < LUT_LEAST_ROWS ? LUT_LEAST_ROWS : most > BN_GEMM_LUT_ROWS ? BN_GEMM_LUT_ROWS : most;
    int64_t panels = (weight->rows - 1) / most + 1;
    const int64_t least = threads == 1 ? 1 : (3 * threads - 1) / blocks + 1;
    if (panels < least) panels = least;
    if (weight->rows / panels < LUT_LEAST_ROWS) return 0;
    const int64_t group = bn_ternary_group(weight->type), step = group < 16 ? 16 : group;
    return ((weight->rows - 1) / panels / step + 1) * step;
}

/*
 * Which blocks n activation rows are cut into: the cheapest. In units of a row in a tile, 56 rows in a block cost 45
 * and 80 cost 60 (measured on Zen 4; 512 rows are five of 80, two of 56 and none left).
 */
static void cut_into_blocks(linear *job)
{
    int64_t least = job->n;
    for (int64_t wide = 0; wide * BN_GEMM_LUT_WIDE <= job->n; wide++) {
        const int64_t left = job->n - wide * BN_GEMM_LUT_WIDE, narrow = left / BN_GEMM_LUT_NARROW;
        const int64_t cost = wide * 60 + narrow * 45 + left % BN_GEMM_LUT_NARROW;
        if (cost >= least) continue;
        least = cost;
        job->wide = wide;
        job->narrow = narrow;
    }
}

static int64_t block_pieces_of(const linear *job, const bn_product *product)
{
    const int64_t rows = panel_rows(job, product->weight);
    return rows == 0 ? 0 : ((product->weight->rows - 1) / rows + 1) * (job->wide + job->narrow);
}

static void one_block(const linear *job, const bn_product *product, int64_t piece, share own)
{
    const bn_matrix *weight = product->weight;
    const int64_t blocks = job->wide + job->narrow, most_rows = panel_rows(job, weight);
    const int64_t row = piece / blocks * most_rows, block = piece % blocks;
    const int64_t rows = weight->rows - row < most_rows ? weight->rows - row : most_rows;
    const bool wide = block < job->wide;
    const int64_t n = wide ? BN_GEMM_LUT_WIDE : BN_GEMM_LUT_NARROW;
    const int64_t first = wide ? block * n : job->wide * BN_GEMM_LUT_WIDE + (block - job->wide) * n;
    job->gemm_lut(i2s_rows(job, weight, row, rows, own.i2s), whole_cols(weight), (size_t)rows,
                  job->x->q + first * job->x->stride, (size_t)job->x->stride, (size_t)n, own.dot, BLOCK_STRIDE,
                  own.tables);
    for (int64_t r = 0; r < n; r++)
        epilogue(product, job->x, first + r, row, (size_t)rows, own.dot + r * BLOCK_STRIDE);
}

/* ---- several rows of activations: tiles ---- */

/* The first row that no block has taken. */
static int64_t first_of(const linear *job, const bn_matrix *weight)
{
    return panel_rows(job, weight) > 0 ? job->wide * BN_GEMM_LUT_WIDE + job->narrow * BN_GEMM_LUT_NARROW : 0;
}

static int64_t tile_rows(const bn_matrix *weight)
{
    const int64_t group = bn_ternary_group(weight->type);
    return group < TILE_ROWS ? TILE_ROWS : group;
}

static int64_t tile_tokens(const bn_matrix *weight)
{
    return TILE / tile_rows(weight);
}

static int64_t blocks_of(const linear *job, const bn_product *product)
{
    const int64_t n = job->n - first_of(job, product->weight), most = tile_tokens(product->weight);
    return (n + most - 1) / most;
}

static int64_t tiles_of(const linear *job, const bn_product *product)
{
    return ((product->weight->rows - 1) / tile_rows(product->weight) + 1) * blocks_of(job, product);
}

/* For each panel of weight rows, all blocks of activation rows. */
static void one_tile(const linear *job, const bn_product *product, int64_t tile, share own)
{
    const bn_matrix *weight = product->weight;
    const int64_t blocks = blocks_of(job, product), most_rows = tile_rows(weight), most = tile_tokens(weight);
    const int64_t row = tile / blocks * most_rows, first = first_of(job, weight) + tile % blocks * most;
    const int64_t rows = weight->rows - row < most_rows ? weight->rows - row : most_rows;
    const int64_t n = job->n - first < most ? job->n - first : most;
    int32_t dot[TILE];
    job->gemm(i2s_rows(job, weight, row, rows, own.i2s), whole_cols(weight), (size_t)rows,
              job->x->q + first * job->x->stride, (size_t)job->x->stride, (size_t)n, dot, (size_t)most_rows);
    for (int64_t r = 0; r < n; r++)
        epilogue(product, job->x, first + r, row, (size_t)rows, dot + r * most_rows);
}

/* Pieces [begin, end) of all products laid end to end: of each its blocks, then its tiles. */
static void pieces(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const linear *job = argument;
    for (; begin < end; begin++) {
        const bn_product *product = job->products;
        int64_t piece = begin;
        for (; piece >= block_pieces_of(job, product) + tiles_of(job, product); product++)
            piece -= block_pieces_of(job, product) + tiles_of(job, product);
        if (piece < block_pieces_of(job, product))
            one_block(job, product, piece, share_of(job, thread));
        else
            one_tile(job, product, piece - block_pieces_of(job, product), share_of(job, thread));
    }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Lays out the scratch for what the products need of it. */
static bn_status take_scratch(linear *job, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const bn_matrix *weight = job->products[i].weight;
        const int64_t block = panel_rows(job, weight);
        if (block > 0) {
            job->tables_bytes = BN_GEMM_LUT_SCRATCH;
            job->dot_bytes = BN_GEMM_LUT_WIDE * BLOCK_STRIDE * sizeof(int32_t);
        }
        if (weight->type == BN_TYPE_I2_S) continue;
        const size_t rows = larger((size_t)block, (size_t)tile_rows(weight));
        job->i2s_bytes = larger(job->i2s_bytes, (rows * bn_i2s_row_bytes((size_t)weight->cols) + 63) / 64 * 64);
    }
    const size_t bytes = job->tables_bytes + job->dot_bytes + job->i2s_bytes;
    if (bytes == 0) return BN_OK;
    job->scratch = bn_context_scratch(job->ctx, bytes * (size_t)bn_context_threads(job->ctx));
    return job->scratch == NULL ? BN_ERROR_MEMORY : BN_OK;
}

static bn_status check_product(bn_context *ctx, const bn_product *product, int32_t i, const bn_quantized *x)
{
    const bn_matrix *weight = product->weight;
    if (weight == NULL || weight->data == NULL || product->y == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has a null pointer", i);
    if (bn_ternary_format(weight->type) < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_linear: product %d has weights of type %d, not I2_S (36), I2_R16 (1016) or I2_C (1017)", i,
                       weight->type);
    if (bn_matrix_bytes(weight->type, weight->rows, weight->cols) == 0 || weight->cols > MAX_COLS)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_linear: product %d has the impossible shape %lld x %lld", i,
                       (long long)weight->rows, (long long)weight->cols);
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

bn_status bn_linear(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = check(ctx, products, count, x, n);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    linear job = {.products = products, .x = x, .n = n, .step = BN_I2R16_ROWS, .ctx = ctx};
    for (int32_t f = BN_FORMAT_I2_S; f <= BN_FORMAT_I2_C; f++)
        job.gemv[f] = (bn_gemv_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV, (bn_format)f);
    job.gemv_rows = (bn_gemv_rows_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV_ROWS, BN_FORMAT_I2_S);
    job.gemm = (bn_gemm_fn)bn_kernel_of(ctx, BN_OPERATION_GEMM, BN_FORMAT_I2_S);
    job.gemm_lut = (bn_gemm_lut_fn)bn_kernel_of(ctx, BN_OPERATION_GEMM_LUT, BN_FORMAT_I2_S);
    if (n == 1) {
        for (int32_t i = 0; i < count; i++) {
            if (bn_ternary_group(products[i].weight->type) > job.step) job.step = bn_ternary_group(products[i].weight->type);
            job.gated |= products[i].gate != NULL;
        }
        int64_t rows = 0;
        for (int32_t i = 0; i < count; i++) rows += span_of(&job, &products[i]);
        bn_parallel(ctx, rows, run_length(ctx, &job, rows), run_of_rows, &job);
    } else if (n > 1) {
        cut_into_blocks(&job);
        status = take_scratch(&job, count);
        int64_t all = 0;
        for (int32_t i = 0; i < count; i++) all += block_pieces_of(&job, &products[i]) + tiles_of(&job, &products[i]);
        if (status == BN_OK) bn_parallel(ctx, all, 1, pieces, &job);
    }
    const bn_status left = bn_leave(ctx);
    return status != BN_OK ? status : left;
}
