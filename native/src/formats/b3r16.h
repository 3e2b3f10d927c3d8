/*
 * B3_R16, ternary weights in base 3 with sixteen rows interleaved (GGUF type 1020): five weights a byte, 1.6 bits a
 * weight, for matrix-vector products that memory bounds.
 *
 * A matrix is [rows / 16][ceil(cols / 20)] lines of 64 bytes, rows a multiple of 16 and cols of 4. A line holds 16 rows
 * by 20 columns, four bytes a row. A byte is d0 + 3 d1 + 9 d2 + 27 d3 + 81 d4, digits 0, 1, 2 for -1, 0, +1:
 *
 *     byte                4 r          4 r + 1      4 r + 2      4 r + 3        row r of the sixteen
 *     d0          column  0            1            2            3
 *     d1                  4            5            6            7
 *     d2                  8            9            10           11
 *     d3                  12           13           14           15
 *     d4                  16           17           18           19
 *
 * One digit of all bytes of a line gives, for each of 16 rows, 4 columns that are neighbours: they meet one 32-bit
 * piece of the activations, broadcast, and the 32-bit lanes of the sums are rows. Sixteen rows are one sequential run.
 * Where the last line goes past the columns its digits are 0, and its activations are taken as 0: see bn_b3r16_last.
 *
 * Bytes 243 to 255 occur in no intact file; a product of them is some number.
 */
#ifndef BN_B3R16_H
#define BN_B3R16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BN_B3R16_ROWS = 16, BN_B3R16_COLS = 20, BN_B3R16_COLS_STEP = 4, BN_B3R16_LINE = 64, BN_B3R16_DIGITS = 5 };

/* What a digit counts for in its byte. */
static const uint8_t BN_B3R16_POWER[BN_B3R16_DIGITS] = {1, 3, 9, 27, 81};

/* Lines of 16 rows. */
static inline size_t bn_b3r16_lines(size_t cols)
{
    return (cols + BN_B3R16_COLS - 1) / BN_B3R16_COLS;
}

/* Bytes of 16 rows. */
static inline size_t bn_b3r16_panel_bytes(size_t cols)
{
    return bn_b3r16_lines(cols) * BN_B3R16_LINE;
}

/* Where weight (row, k) lies: its byte, and which of the five digits it is there. */
static inline size_t bn_b3r16_byte(size_t cols, size_t row, size_t k)
{
    const size_t line = k / BN_B3R16_COLS * BN_B3R16_LINE;
    return row / BN_B3R16_ROWS * bn_b3r16_panel_bytes(cols) + line + row % BN_B3R16_ROWS * 4 + k % 4;
}

static inline size_t bn_b3r16_digit(size_t k)
{
    return k % BN_B3R16_COLS / 4;
}

/* The activations that a last line of fewer than 20 columns meets, filled up with zeros. */
static inline void bn_b3r16_last(const int8_t *restrict q, size_t cols, int8_t last[BN_B3R16_COLS])
{
    const size_t rest = cols % BN_B3R16_COLS;
    memset(last, 0, BN_B3R16_COLS);
    memcpy(last, q + cols - rest, rest);
}

#endif
