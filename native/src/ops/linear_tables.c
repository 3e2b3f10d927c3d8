/*
 * BitLinear by weights that are indices into tables, TL1 and TL2, and one row of activations or a few. The tables are made
 * once for all products; a piece is a row of tiles, which the rows of activations meet one after the other while it is in
 * the cache. More rows are linear_many.c's, which unpacks.
 */
#include "formats/tl2.h"
#include "linear.h"

enum {
    SOME_TABLES = 256 /* that a thread makes at a time */
};

typedef struct look_ups {
    const bn_product *products;
    const bn_quantized *x;
    int64_t n;
    bn_tables_fn tables_of_pairs, tables_of_triples;
    bn_gemv_tables_fn gemv[BN_FORMAT_COUNT];
    bn_epilogue_fn epilogue;
    size_t first_pair, pairs, triples; /* tables of each row: pairs from the first on, triples from 0 */
    uint8_t *made;                     /* of all rows                                                 */
    bn_tables tables[BN_MOST_LOOK_UPS];
} look_ups;

bool bn_linear_looks_up(const bn_context *ctx, const bn_matrix *weight, int64_t n)
{
    return bn_tiled(weight->type) && n < bn_crossovers_of(ctx).unpack_tables;
}

/* What tables the products need. Pairs of TL2 are those behind its triples. */
static void count_tables(look_ups *job, int32_t count)
{
    job->first_pair = (size_t)job->x->cols / 2;
    for (int32_t i = 0; i < count; i++) {
        const bn_matrix *weight = job->products[i].weight;
        const size_t cols3 = weight->type == BN_TYPE_TL2 ? bn_tl2_cols3(weight->tiles, (size_t)weight->cols) : 0;
        if (cols3 / 2 < job->first_pair) job->first_pair = cols3 / 2;
        if (cols3 / 3 > job->triples) job->triples = cols3 / 3;
    }
    job->pairs = (size_t)job->x->cols / 2 - job->first_pair;
}

/* Tables [begin, end) of all rows of activations laid end to end, of each its pairs and then its triples. */
static void some_tables(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const look_ups *job = argument;
    const size_t each = job->pairs + job->triples;
    for (size_t at = (size_t)begin; at < (size_t)end;) {
        const size_t i = at % each, left = (size_t)end - at;
        const bool pair = i < job->pairs;
        const size_t rest = (pair ? job->pairs : each) - i, some = rest < left ? rest : left;
        const int8_t *q = job->x->q + at / each * (size_t)job->x->stride;
        uint8_t *to = job->made + BN_TABLE_BYTES * at;
        if (pair)
            job->tables_of_pairs(q + 2 * (job->first_pair + i), some, to);
        else
            job->tables_of_triples(q + 3 * (i - job->pairs), some, to);
        at += some;
    }
}

static int64_t tile_rows_of(const bn_product *product)
{
    return product->weight->rows / product->weight->tiles.rows;
}

/* Rows of tiles [begin, end) of all products laid end to end. */
static void some_tile_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const look_ups *job = argument;
    int32_t dot[BN_MOST_TILE_ROWS];
    for (; begin < end; begin++) {
        const bn_product *product = job->products;
        int64_t i = begin;
        for (; i >= tile_rows_of(product); product++) i -= tile_rows_of(product);
        const bn_matrix *weight = product->weight;
        const int64_t row = i * weight->tiles.rows;
        for (int64_t r = 0; r < job->n; r++) {
            job->gemv[bn_ternary_format(weight->type)](weight, (size_t)row, &job->tables[r], dot);
            bn_linear_epilogue(job->epilogue, product, job->x, r, row, (size_t)weight->tiles.rows, dot, false);
        }
    }
}

bn_status bn_linear_tables(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    look_ups job = {.products = products, .x = x, .n = n};
    job.tables_of_pairs = (bn_tables_fn)bn_kernel_of(ctx, BN_OPERATION_TABLES, BN_FORMAT_TL1);
    job.tables_of_triples = (bn_tables_fn)bn_kernel_of(ctx, BN_OPERATION_TABLES, BN_FORMAT_TL2);
    for (int32_t f = BN_FORMAT_TL1; f <= BN_FORMAT_TL2; f++)
        job.gemv[f] = (bn_gemv_tables_fn)bn_kernel_of(ctx, BN_OPERATION_GEMV_TABLES, (bn_format)f);
    job.epilogue = (bn_epilogue_fn)bn_kernel_of(ctx, BN_OPERATION_EPILOGUE, BN_FORMAT_F32);
    count_tables(&job, count);
    const size_t each = job.pairs + job.triples;
    job.made = bn_context_scratch(ctx, BN_TABLE_BYTES * each * (size_t)n);
    if (job.made == NULL) return BN_ERROR_MEMORY;
    int64_t all = 0;
    for (int32_t i = 0; i < count; i++) all += tile_rows_of(&products[i]);
    for (int64_t r = 0; r < n; r++) {
        const uint8_t *own = job.made + BN_TABLE_BYTES * each * (size_t)r;
        job.tables[r] = (bn_tables){own, job.first_pair, own + BN_TABLE_BYTES * job.pairs, x->sum[r]};
    }
    bn_parallel(ctx, (int64_t)each * n, SOME_TABLES, some_tables, &job);
    bn_parallel(ctx, all, 1, some_tile_rows, &job);
    return BN_OK;
}
