/*
 * What a matrix-matrix product over many activation rows multiplies: both sides laid out anew, once a batch, for
 * kernels that keep sums of 48 weight rows by 8 activation rows in registers (AVX-512) or look sums up in tables (all).
 *
 * A panel of weights: some rows, filled up with zeros to a multiple of 48, by cols columns, a multiple of 128:
 *
 *     flags    [rows / 16] bytes, filled up to whole lines: 1 when sixteen rows contain a code 3
 *     lines    [rows / 48][cols / 16][3][64]    lines of I2_R16 (formats/i2r16.h), those of 48 rows side by side
 *     index    [cols / 16][rows][4]             the same bytes, as entries of tables:
 *
 *     a byte of codes  c0 (bits 1 0)  c1 (3 2)  c2 (5 4)  c3 (7 6)     is entry  c0 + 3 c1 + 9 c2 + 27 c3
 *
 * A block of activations: 64 rows, filled up with zeros, in strips of 8 rows whose dwords (4 columns) lie side by side:
 *
 *     [8][cols / 4][8][4]
 */
#ifndef BN_PACKED_H
#define BN_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BN_PACKED_ROWS = 48,  /* weight rows of a tile                */
    BN_PACKED_GROUP = 16, /* of a line                            */
    BN_PACKED_LINES = 3,  /* side by side                         */
    BN_PACKED_LINE = 64,
    BN_PACKED_COLS = 16,  /* of a line                            */
    BN_PACKED_STRIP = 8,  /* activation rows side by side         */
    BN_PACKED_BLOCK = 64  /* activation rows of a block           */
};

/* Where things lie in a panel. */
static inline size_t bn_packed_flags_bytes(size_t rows)
{
    return (rows / BN_PACKED_GROUP + 63) / 64 * 64;
}

static inline size_t bn_packed_lines(size_t rows, size_t cols, size_t row, size_t k)
{
    return bn_packed_flags_bytes(rows) + row / BN_PACKED_ROWS * (BN_PACKED_ROWS * cols / 4) +
           (k / BN_PACKED_COLS * BN_PACKED_LINES + row % BN_PACKED_ROWS / BN_PACKED_GROUP) * BN_PACKED_LINE;
}

static inline size_t bn_packed_index(size_t rows, size_t cols, size_t row, size_t k)
{
    return bn_packed_flags_bytes(rows) + rows * cols / 4 + k / BN_PACKED_COLS * rows * 4 + row * 4;
}

static inline size_t bn_packed_weights_bytes(size_t rows, size_t cols)
{
    return bn_packed_flags_bytes(rows) + rows * cols / 2;
}

/* Whether there is a code 3, which tables do not know. It never occurs, but all kernels agree on what it is. */
static inline bool bn_packed_threes(const uint8_t *panel, size_t rows)
{
    uint8_t any = 0;
    for (size_t i = 0; i < rows / BN_PACKED_GROUP; i++) any |= panel[i];
    return any != 0;
}

/* Where the dword of a block's row and of column k lies. */
static inline size_t bn_packed_token(size_t cols, size_t row, size_t k)
{
    return row / BN_PACKED_STRIP * (BN_PACKED_STRIP * cols) + k / 4 * (BN_PACKED_STRIP * 4) + row % BN_PACKED_STRIP * 4;
}

static inline size_t bn_packed_tokens_bytes(size_t cols)
{
    return BN_PACKED_BLOCK * cols;
}

#endif
