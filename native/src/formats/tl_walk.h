/*
 * One row of tiles of a TL1 or TL2 matrix by one row of activations, in the order in which the bytes lie. What a CPU target
 * adds is a band of a tile: y[0 .. rows of the band) += the sums of its columns, whose tables are given.
 */
#ifndef BN_TL_WALK_H
#define BN_TL_WALK_H

#include "formats/tl1.h"
#include "formats/tl2.h"
#include "kernels.h"

/* At most this many columns of TL1 at a time: 64 pairs of sums up to 256 in magnitude, 16,384, fit an int16 twice over. */
enum { BN_TL1_WIDEN = 128 };

typedef void (*bn_tl1_band_fn)(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y);

static inline __attribute__((always_inline)) void bn_tl1_walk(const bn_matrix *restrict weight, size_t row,
                                                              const bn_tables *restrict tables, int32_t *restrict y,
                                                              bn_tl1_band_fn band_of_32, bn_tl1_band_fn band_of_64)
{
    const size_t rows = (size_t)weight->tiles.rows, cols = (size_t)weight->tiles.cols, band = (size_t)weight->tiles.band;
    const uint8_t *w = (const uint8_t *)weight->data + row * (size_t)weight->cols / 4;
    for (size_t i = 0; i < rows; i++) y[i] = tables->sum;
    for (size_t first = 0; first < (size_t)weight->cols; first += cols) {
        for (size_t i = 0; i < rows; i += band) {
            for (size_t k = 0; k < cols; k += BN_TL1_WIDEN) {
                const size_t some = cols - k < BN_TL1_WIDEN ? cols - k : BN_TL1_WIDEN;
                const uint8_t *pairs = tables->pairs + BN_TABLE_BYTES * ((first + k) / 2 - tables->first_pair);
                if (band == 32)
                    band_of_32(w, some, pairs, y + i);
                else
                    band_of_64(w, some, pairs, y + i);
                w += band * some / 4;
            }
        }
    }
}

/*
 * A tile of triples has at most 240 columns, 80 sums up to 384 in magnitude: 30,720 fits an int16. A tile of pairs, 32
 * columns, reaches 4,096.
 */
typedef void (*bn_tl2_triples_fn)(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t cols,
                                  const uint8_t *restrict triples, int32_t *restrict y);
typedef void (*bn_tl2_pairs_fn)(const uint8_t *restrict w, const uint8_t *restrict pairs, int32_t *restrict y);

static inline __attribute__((always_inline)) void bn_tl2_walk(const bn_matrix *restrict weight, size_t row,
                                                              const bn_tables *restrict tables, int32_t *restrict y,
                                                              bn_tl2_triples_fn triples, bn_tl2_pairs_fn pairs)
{
    const size_t rows = (size_t)weight->tiles.rows, cols = (size_t)weight->cols, tile_cols = (size_t)weight->tiles.cols;
    const size_t cols3 = bn_tl2_cols3(weight->tiles, cols);
    const bn_tl2_band at = bn_tl2_band_at(weight->tiles, (size_t)weight->rows, cols, row);
    const uint8_t *w = weight->data, *indices = w + at.indices, *signs = w + at.signs, *rest = w + at.pairs;
    for (size_t i = 0; i < rows; i++) y[i] = tables->sum;
    for (size_t first = 0; first < cols3; first += tile_cols) {
        for (size_t i = 0; i < rows; i += BN_TL2_BAND) {
            triples(indices, signs, tile_cols, tables->triples + BN_TABLE_BYTES * (first / 3), y + i);
            indices += BN_TL2_BAND * tile_cols / 6;
            signs += BN_TL2_BAND * tile_cols / 24;
        }
    }
    for (size_t first = cols3; first < cols; first += BN_TL2_PAIR_TILE) {
        for (size_t i = 0; i < rows; i += BN_TL2_BAND) {
            pairs(rest, tables->pairs + BN_TABLE_BYTES * (first / 2 - tables->first_pair), y + i);
            rest += BN_TL2_BAND * BN_TL2_PAIR_TILE / 4;
        }
    }
}

#endif
