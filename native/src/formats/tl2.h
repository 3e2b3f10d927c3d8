/*
 * TL2, the ternary format of bitnet.cpp for table look-ups on x86 (GGUF type 39). About 1.67 bits a weight.
 *
 * Columns 0 .. cols3 - 1, cols3 = cols / BK * BK, are taken in triples, v = 9 a + 3 b + c for a, b, c in -1 .. 1: four bits
 * hold |v| in 0 .. 13, a fifth, elsewhere, is 1 when v is negative. The other columns, fewer than BK and a multiple of 32,
 * are pairs as in TL1. Tiles are tiles.rows x tiles.cols (BM x BK), bands of 32 rows. A tensor is three parts, and zeros up
 * to the size that files declare (bn_matrix_bytes):
 *
 *     indices  rows * cols3 / 6 bytes    [rows / BM][cols3 / BK] tiles of [BM / 32][BK /  6] units of 32 bytes
 *     signs    rows * cols3 / 24 bytes   [rows / BM][cols3 / BK] tiles of [BM / 32][BK / 24] units of 16 uint16
 *     pairs    rows * cols2 / 4 bytes    [rows / BM][cols2 / 32] tiles of [BM / 32][32 /  4] units of 32 bytes
 *
 *     unit of indices and of pairs:    byte    0 .. 7        8 .. 15        16 .. 23       24 .. 31
 *                                      rows    0 .. 7        16 .. 23       8 .. 15        24 .. 31
 *                                      bits    7 .. 4: the first triple (pair) of the unit's columns, 3 .. 0: the second
 *     unit of signs:                   word w, bit 15 - 2 t: row w, triple t of 8;  bit 14 - 2 t: row 16 + w
 *
 * so that after the low and high bytes from two tables are interleaved within halves of 32 bytes, rows are in order.
 */
#ifndef BN_TL2_H
#define BN_TL2_H

#include <stddef.h>
#include <stdint.h>

#include "bitnet.h"

enum {
    BN_TL2_BAND = 32,       /* rows of a band                     */
    BN_TL2_UNIT = 32,       /* bytes of any unit                  */
    BN_TL2_TRIPLE_COLS = 6, /* columns of a unit of indices       */
    BN_TL2_SIGN_COLS = 24,  /* of a unit of signs                 */
    BN_TL2_PAIR_COLS = 4,   /* of a unit of pairs                 */
    BN_TL2_PAIR_TILE = 32   /* columns of a tile of pairs         */
};

/* Columns that are taken in triples. */
static inline size_t bn_tl2_cols3(bn_tiles tiles, size_t cols)
{
    return cols / (size_t)tiles.cols * (size_t)tiles.cols;
}

/* A byte's place within a unit of indices or pairs: row r of 32. */
static inline size_t bn_tl2_place(size_t r)
{
    return (r & 7) | (r & 8) << 1 | (r & 16) >> 1;
}

/* The three parts of a band of a tile, and how far on the same parts of the next tile lie. */
typedef struct bn_tl2_band {
    size_t indices, signs, pairs;
    size_t next_indices, next_signs, next_pairs;
} bn_tl2_band;

static inline bn_tl2_band bn_tl2_band_at(bn_tiles tiles, size_t rows, size_t cols, size_t row)
{
    const size_t tile_rows = (size_t)tiles.rows, tile_cols = (size_t)tiles.cols;
    const size_t cols3 = bn_tl2_cols3(tiles, cols), cols2 = cols - cols3;
    const size_t first = row / tile_rows * tile_rows, inside = row - first;
    return (bn_tl2_band){
        .indices = first * cols3 / 6 + inside * tile_cols / 6,
        .signs = rows * cols3 / 6 + first * cols3 / 24 + inside * tile_cols / 24,
        .pairs = rows * cols3 / 6 + rows * cols3 / 24 + first * cols2 / 4 + inside * BN_TL2_PAIR_TILE / 4,
        .next_indices = tile_rows * tile_cols / 6,
        .next_signs = tile_rows * tile_cols / 24,
        .next_pairs = tile_rows * BN_TL2_PAIR_TILE / 4,
    };
}

#endif
