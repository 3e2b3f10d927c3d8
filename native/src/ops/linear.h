/* What the two ways of BitLinear share: linear.c has the operation and one row of activations, linear_many.c several. */
#ifndef BN_LINEAR_H
#define BN_LINEAR_H

#include "ops.h"

/* y[i] = (or +=) (dot[i] - sum) * (scale / s): the dot product is exact, the factor is one for the row */
static inline void bn_linear_epilogue(const bn_product *product, const bn_quantized *x, int64_t r, int64_t row,
                                      size_t rows, const int32_t *restrict dot)
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

/* All products by n rows of activations, n > 1. The caller has checked them and holds the guard. */
bn_status bn_linear_many(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

#endif
