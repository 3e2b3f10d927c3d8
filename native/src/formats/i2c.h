/*
 * I2_C, ternary weights by columns (GGUF type 1017): the layout of a matrix-vector product whose activations are mostly
 * zero. A column that meets a zero is not read.
 *
 * The rows, a multiple of 64, are cut into strips of 256; what is left, 64, 128 or 192, is the last strip. Strips follow
 * each other, and a strip of W rows is [cols][W / 4] bytes, codes 0, 1, 2 for -1, 0, +1:
 *
 *     byte                b                                                     0 <= b < W / 4
 *     bits  1 0  row      b
 *           3 2           W / 4 + b
 *           5 4           2 W / 4 + b
 *           7 6           3 W / 4 + b
 *
 * A column of a whole strip is 64 bytes, a cache line when the tensor is aligned to one.
 */
#ifndef BN_I2C_H
#define BN_I2C_H

#include <stddef.h>
#include <stdint.h>

enum { BN_I2C_STRIP = 256, BN_I2C_ROWS = 64 };

/* Rows of the strip that begins at row `first` of `rows`. */
static inline size_t bn_i2c_width(size_t rows, size_t first)
{
    return rows - first < BN_I2C_STRIP ? rows - first : BN_I2C_STRIP;
}

/* Where weight (row, k) of a matrix of `rows` rows lies: its byte, and how far its two bits are shifted up there. */
static inline size_t bn_i2c_byte(size_t rows, size_t cols, size_t row, size_t k)
{
    const size_t first = row - row % BN_I2C_STRIP, bytes = bn_i2c_width(rows, first) / 4;
    return first * cols / 4 + k * bytes + (row - first) % bytes;
}

static inline unsigned bn_i2c_shift(size_t rows, size_t row)
{
    const size_t first = row - row % BN_I2C_STRIP;
    return 2 * (unsigned)((row - first) / (bn_i2c_width(rows, first) / 4));
}

#endif
