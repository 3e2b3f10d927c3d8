/*
 * What the ways of BitLinear share: linear.c has the operation and one row of activations, linear_many.c several,
 * linear_tables.c look-ups.
 */
#ifndef BN_LINEAR_H
#define BN_LINEAR_H

#include "ops.h"

/* Outputs row .. row + rows - 1 of activation row r, from their dot products; streamed if they are and none is added to. */
static inline void bn_linear_epilogue(bn_epilogue_fn epilogue, const bn_product *product, const bn_quantized *x,
                                      int64_t r, int64_t row, size_t rows, const int32_t *restrict dot, bool streamed)
{
    const bn_outputs stored = streamed ? BN_OUTPUTS_STREAMED : BN_OUTPUTS_STORED;
    epilogue(dot, rows, x->sum[r], product->weight->scale / x->scale[r], product->accumulate ? BN_OUTPUTS_ADDED : stored,
             product->y + r * product->y_stride + row);
}

/* All products by n rows of activations, n > 1. The caller has checked them and holds the guard. */
bn_status bn_linear_many(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

/* Whether n rows of activations go through weights of this type one after the other, by the kernel of one row. */
bool bn_linear_row_after_row(const bn_context *ctx, const bn_matrix *weight, int64_t n);

/* Whether a product by n rows of activations is one for bn_linear_tables. */
bool bn_linear_looks_up(const bn_context *ctx, const bn_matrix *weight, int64_t n);

/* All products, such ones, by n rows of activations, n > 0. The caller has checked them and holds the guard. */
bn_status bn_linear_tables(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

#endif
