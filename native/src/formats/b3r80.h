/*
 * B3_R80, ternary weights in base 3 with eighty rows interleaved (GGUF type 1080): five weights a byte, 1.6 bits a
 * weight, for matrix-vector products that memory bounds.
 *
 * A matrix is [ceil(rows / 80)][cols / 4] lines of 64 bytes, rows a multiple of 16 and cols of 4. A line holds 80 rows, five
 * groups of 16, by 4 columns. A byte is d0 + 3 d1 + 9 d2 + 27 d3 + 81 d4, digits 0, 1, 2 for -1, 0, +1:
 *
 *     byte            0 .. 3       4 .. 7      ...    60 .. 63         columns k .. k + 3 of
 *     d0       row    0            1                  15
 *     d1              16           17                 31
 *     d2              32           33                 47
 *     d3              48           49                 63
 *     d4              64           65                 79
 *
 * All bytes of a line meet the same 4 activations, broadcast, and the 32-bit lanes of the sums are rows. As the five
 * digits of a byte meet the same activation, a kernel need not separate them: any five numbers that are linear in the
 * digits give five sums from which those of the digits follow. Eighty rows are one sequential run. Digits of rows that a
 * last panel has no more of are 0.
 *
 * Bytes 243 to 255 occur in no intact file; a product of them is some number.
 */
#ifndef BN_B3R80_H
#define BN_B3R80_H

#include <stddef.h>
#include <stdint.h>

enum {
    BN_B3R80_ROWS = 80,
    BN_B3R80_GROUP = 16, /* rows of one digit */
    BN_B3R80_COLS = 4,
    BN_B3R80_LINE = 64,
    BN_B3R80_DIGITS = 5
};

/* What a digit counts for in its byte. */
static const uint8_t BN_B3R80_POWER[BN_B3R80_DIGITS] = {1, 3, 9, 27, 81};

/* The inverses of these powers modulo 2^32: they divide multiples exactly, also those that wrapped. */
static const uint32_t BN_B3R80_INVERSE[BN_B3R80_DIGITS] = {1, 0xAAAAAAAB, 0x38E38E39, 0x684BDA13, 0x781948B1};

/* Bytes of 80 rows. */
static inline size_t bn_b3r80_panel_bytes(size_t cols)
{
    return cols / BN_B3R80_COLS * BN_B3R80_LINE;
}

/* Where weight (row, k) lies: its byte, and which of the five digits it is there. */
static inline size_t bn_b3r80_byte(size_t cols, size_t row, size_t k)
{
    const size_t line = k / BN_B3R80_COLS * BN_B3R80_LINE;
    return row / BN_B3R80_ROWS * bn_b3r80_panel_bytes(cols) + line + row % BN_B3R80_GROUP * 4 + k % BN_B3R80_COLS;
}

static inline size_t bn_b3r80_digit(size_t row)
{
    return row % BN_B3R80_ROWS / BN_B3R80_GROUP;
}

/* Groups of a panel that `rows` rows from its first on fill. */
static inline size_t bn_b3r80_groups(size_t rows)
{
    return rows < BN_B3R80_ROWS ? rows / BN_B3R80_GROUP : (size_t)BN_B3R80_DIGITS;
}

#endif
