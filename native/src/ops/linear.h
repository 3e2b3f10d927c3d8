/*
 * What the ways of BitLinear share: linear.c has the operation and one row of activations, linear_gated.c those of its
 * products that leave rows out, linear_many.c several rows of activations, linear_tables.c look-ups.
 */
#ifndef BN_LINEAR_H
#define BN_LINEAR_H

#include <stdatomic.h>

#include "ops.h"

/* Outputs row .. row + rows - 1 of activation row r, from their dot products; streamed if they are and none is added to. */
static inline void bn_linear_epilogue(bn_epilogue_fn epilogue, const bn_product *product, const bn_quantized *x,
                                      int64_t r, int64_t row, size_t rows, const int32_t *restrict dot, bool streamed)
{
    const bn_outputs stored = streamed ? BN_OUTPUTS_STREAMED : BN_OUTPUTS_STORED;
    epilogue(dot, rows, x->sum[r], product->weight->scale / x->scale[r], product->accumulate ? BN_OUTPUTS_ADDED : stored,
             product->y + r * product->y_stride + row);
}

/* ---- one row of activations ---- */

enum { BN_RUN_ROWS = 1280 }; /* of weights in one piece, at most: a multiple of what any types keep together */

/* What its products need. */
typedef struct bn_one_row {
    const bn_quantized *x;
    bn_gemv_fn gemv[BN_FORMAT_COUNT];
    size_t cols[BN_FORMAT_COUNT]; /* that they are given: those of whole blocks of I2_S */
    bn_gemv_rows_fn gemv_rows;    /* I2_S */
    bn_epilogue_fn epilogue;
    atomic_int_fast64_t *skipped; /* rows behind closed gates that were not read */
} bn_one_row;

/* Whether a product leaves out rows behind closed gates. */
static inline bool bn_linear_leaves_out(const bn_product *product)
{
    return product->gate != NULL && product->weight->type == BN_TYPE_I2_S;
}

/* Whether a product leaves out rows as the outputs of another say, which therefore come first. */
static inline bool bn_linear_waits(const bn_product *product, const bn_product *another)
{
    return bn_linear_leaves_out(product) && product->gate == another->y;
}

/* Rows [begin, end), at most BN_RUN_ROWS, of a product that leaves rows out: those with an open gate, and 0 for the others. */
void bn_linear_open_rows(const bn_one_row *one, const bn_product *product, int64_t begin, int64_t end);

/* A product, and as many rows of one that waits for it, in one parallel region. */
void bn_linear_gate_and_rows(bn_context *ctx, const bn_one_row *one, const bn_product *gate, const bn_product *product);

/* ---- others ---- */

/* All products by n rows of activations, n > 1. The caller has checked them and holds the guard. */
bn_status bn_linear_many(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

/* Whether n rows of activations go through weights of this type one after the other, by the kernel of one row. */
bool bn_linear_row_after_row(const bn_context *ctx, const bn_matrix *weight, int64_t n);

/* Whether a product by n rows of activations is one for bn_linear_tables. */
bool bn_linear_looks_up(const bn_context *ctx, const bn_matrix *weight, int64_t n);

/* All products, such ones, by n rows of activations, n > 0. The caller has checked them and holds the guard. */
bn_status bn_linear_tables(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

#endif
