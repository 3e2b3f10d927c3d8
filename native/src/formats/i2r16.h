/*
 * I2_R16, ternary weights with sixteen rows interleaved (GGUF type 1016): the layout of a matrix-vector product that
 * keeps up with memory.
 *
 * A matrix is [rows / 16][cols / 16] lines of 64 bytes, rows and cols multiples of 16. A line holds 16 rows by 16
 * columns, two bits a weight, codes 0, 1, 2 for -1, 0, +1, four bytes a row:
 *
 *     byte                4 r          4 r + 1      4 r + 2      4 r + 3        row r of the sixteen
 *     bits  1 0  column   0            1            2            3
 *           3 2           4            5            6            7
 *           5 4           8            9            10           11
 *           7 6           12           13           14           15
 *
 * One mask over a line gives, for each of 16 rows, 4 columns that are neighbours: they meet one 32-bit piece of the
 * activations, broadcast, and the 32-bit lanes of the sums are rows. Sixteen rows are one sequential run.
 */
#ifndef BN_I2R16_H
#define BN_I2R16_H

#include <stddef.h>
#include <stdint.h>

enum { BN_I2R16_ROWS = 16, BN_I2R16_COLS = 16, BN_I2R16_LINE = 64 };

/* Bytes of 16 rows. */
static inline size_t bn_i2r16_panel_bytes(size_t cols)
{
    return cols / BN_I2R16_COLS * BN_I2R16_LINE;
}

/* Where weight (row, k) lies: its byte, and how far its two bits are shifted up there. */
static inline size_t bn_i2r16_byte(size_t cols, size_t row, size_t k)
{
    const size_t line = k / BN_I2R16_COLS * BN_I2R16_LINE;
    return row / BN_I2R16_ROWS * bn_i2r16_panel_bytes(cols) + line + row % BN_I2R16_ROWS * 4 + k % 4;
}

static inline unsigned bn_i2r16_shift(size_t k)
{
    return 2 * (unsigned)(k % BN_I2R16_COLS / 4);
}

#endif
