/* A layer of three random products that share their input, what the specification says of it, and its other types. */
#ifndef BN_LAYER_H
#define BN_LAYER_H

#include "bitnet.h"
#include "kernels.h"

enum { PRODUCTS = 3 };

typedef struct layer {
    int64_t cols, n;
    bn_matrix weight[PRODUCTS];
    float *x;               /* [n][cols] */
    float *residual;        /* [n][rows of product 2], what it adds to */
    size_t y_count;         /* of all products */
} layer;

layer layer_create(int64_t cols, int64_t n, const int64_t rows[PRODUCTS]);
void layer_destroy(layer *l);

bn_quantized quantized_create(int64_t n, int64_t cols);
void quantized_destroy(bn_quantized *q);

/* The products of all rows of x, in the plainest words; the last adds to the residual. y of each after that of the one before. */
void by_the_book(const layer *l, float *y);

uint32_t random_bits(uint64_t *state);

/* ---- other types ---- */

/* The types that bn_repack makes of I2_S; the first of them have no tiles. */
typedef struct other_type {
    int32_t type;
    bn_format format;
    const char *what;
} other_type;
enum { UNTILED = 3, OTHER_COUNT = 5 };
extern const other_type OTHERS[OTHER_COUNT];

/* Tiles that fit the matrix, other ones for other products. */
bn_tiles tiles_of(int32_t type, int64_t rows, int64_t cols, int p);

/*
 * The layer with its matrices in another type, where their shape allows it, so that some calls mix types; bn_repack is
 * checked on the way. The x and residual are those of l.
 */
layer layer_repacked(const layer *l, bn_context *ctx, int32_t type);
void layer_repacked_destroy(const layer *l, layer *repacked);

#endif
