/*
 * TL1, the ternary format of bitnet.cpp for table look-ups on ARM (GGUF type 38). Two bits a weight.
 *
 * Two neighbouring weights of a row are a pair, 3 a + b + 4 in 0 .. 8 for a, b in -1 .. 1; two pairs, columns 4 c .. 4 c + 3,
 * are a byte, the first in the high nibble. The matrix is cut into tiles of tiles.rows x tiles.cols (BM x BK), a tile into
 * bands of tiles.band (bm) rows, a band into units of bm rows by 256 / bm columns, which are 64 bytes:
 *
 *     matrix  [rows / BM][cols / BK] tiles        tile  [BM / bm] bands        band  [BK / (256 / bm)] units
 *
 *                bytes    0 .. 15             16 .. 31            32 .. 47            48 .. 63
 *     unit of 32 rows     rows 0 .. 15        rows 0 .. 15        rows 16 .. 31       rows 16 .. 31
 *                         columns 0 .. 3      columns 4 .. 7      columns 0 .. 3      columns 4 .. 7
 *     unit of 64 rows     rows 0 .. 15        rows 16 .. 31       rows 32 .. 47       rows 48 .. 63      columns 0 .. 3
 *
 * so that the four bits of 16 rows are 16 indices into one table of the sums of a pair of activations.
 */
#ifndef BN_TL1_H
#define BN_TL1_H

#include <stddef.h>
#include <stdint.h>

enum { BN_TL1_UNIT = 64, BN_TL1_WEIGHTS = 256 };

/* The byte of column k of row r of a band of `band` rows, both within the band of one tile. */
static inline size_t bn_tl1_byte(size_t band, size_t r, size_t k)
{
    const size_t unit_cols = band == 32 ? 8 : 4;
    return k / unit_cols * BN_TL1_UNIT + (r / 16 * (unit_cols / 4) + k % unit_cols / 4) * 16 + r % 16;
}

#endif
