/* I2_S into TL1 and TL2, a band of a tile at a time. */
#include <string.h>

#include "formats/i2s.h"
#include "formats/tl1.h"
#include "formats/tl2.h"
#include "repack.h"

enum { MOST_ROWS = 64, MOST_COLS = 256 };

typedef uint8_t tile_codes[MOST_ROWS][MOST_COLS];

/* `cols` columns from k on of `rows` rows. */
static void codes_of(bn_repack_job *job, int64_t row, size_t rows, size_t k, size_t cols, tile_codes codes)
{
    const size_t row_bytes = bn_i2s_row_bytes((size_t)job->from->cols);
    const uint8_t *w = (const uint8_t *)job->from->data + (size_t)row * row_bytes;
    for (size_t r = 0; r < rows; r++, w += row_bytes) {
        for (size_t j = 0; j < cols; j++) codes[r][j] = (uint8_t)bn_i2s_code(w, k + j);
        bn_repack_check(job, row + (int64_t)r, (int64_t)k, codes[r], cols);
    }
}

/* Two pairs of weights in a byte. */
static uint8_t pairs(const uint8_t *codes)
{
    return (uint8_t)((3 * codes[0] + codes[1]) << 4 | (3 * codes[2] + codes[3]));
}

void bn_repack_to_tl1(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const bn_tiles tiles = job->to->tiles;
    const size_t band = (size_t)tiles.band, tile_rows = (size_t)tiles.rows, cols = (size_t)tiles.cols;
    const size_t all = (size_t)job->to->cols;
    tile_codes codes;
    for (int64_t i = begin; i < end; i++) {
        const size_t row = (size_t)i * band, first = row / tile_rows * tile_rows;
        uint8_t *w = job->bytes + first * all / 4 + (row - first) * cols / 4;
        for (size_t k = 0; k < all; k += cols, w += tile_rows * cols / 4) {
            codes_of(job, (int64_t)row, band, k, cols, codes);
            for (size_t r = 0; r < band; r++)
                for (size_t c = 0; c < cols; c += 4) w[bn_tl1_byte(band, r, c)] = pairs(codes[r] + c);
        }
    }
}

static int triple(const uint8_t *codes)
{
    return 9 * codes[0] + 3 * codes[1] + codes[2] - 13;
}

static void triples_of_band(tile_codes codes, size_t cols, uint8_t *restrict indices, uint8_t *restrict signs)
{
    memset(signs, 0, cols / BN_TL2_SIGN_COLS * BN_TL2_UNIT);
    for (size_t r = 0; r < BN_TL2_BAND; r++) {
        for (size_t t = 0; t < cols / 3; t++) {
            const int v = triple(codes[r] + 3 * t), index = v < 0 ? -v : v;
            uint8_t *byte = indices + t / 2 * BN_TL2_UNIT + bn_tl2_place(r);
            *byte = (uint8_t)(t % 2 == 0 ? index << 4 : *byte | index);
            const size_t bit = 15 - (2 * (t % 8) + r / 16);
            if (v < 0) signs[t / 8 * BN_TL2_UNIT + r % 16 * 2 + bit / 8] |= (uint8_t)(1 << bit % 8);
        }
    }
}

void bn_repack_to_tl2(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const size_t rows = (size_t)job->to->rows, all = (size_t)job->to->cols, cols = (size_t)job->to->tiles.cols;
    const size_t cols3 = bn_tl2_cols3(job->to->tiles, all);
    const size_t used = rows * cols3 * 5 / 24 + rows * (all - cols3) / 4;
    if (begin == 0) memset(job->bytes + used, 0, bn_matrix_bytes(BN_TYPE_TL2, job->to->rows, job->to->cols) - used);
    tile_codes codes;
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = i * BN_TL2_BAND;
        const bn_tl2_band at = bn_tl2_band_at(job->to->tiles, rows, all, (size_t)row);
        uint8_t *indices = job->bytes + at.indices, *signs = job->bytes + at.signs, *w = job->bytes + at.pairs;
        for (size_t k = 0; k < cols3; k += cols, indices += at.next_indices, signs += at.next_signs) {
            codes_of(job, row, BN_TL2_BAND, k, cols, codes);
            triples_of_band(codes, cols, indices, signs);
        }
        for (size_t k = cols3; k < all; k += BN_TL2_PAIR_TILE, w += at.next_pairs) {
            codes_of(job, row, BN_TL2_BAND, k, BN_TL2_PAIR_TILE, codes);
            for (size_t r = 0; r < BN_TL2_BAND; r++)
                for (size_t c = 0; c < BN_TL2_PAIR_TILE; c += BN_TL2_PAIR_COLS)
                    w[c / BN_TL2_PAIR_COLS * BN_TL2_UNIT + bn_tl2_place(r)] = pairs(codes[r] + c);
        }
    }
}
