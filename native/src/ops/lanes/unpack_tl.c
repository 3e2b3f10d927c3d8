/*
 * Rows of TL1 and TL2 as rows of I2_S, for products of several rows of activations. Sixteen rows at a time, as in both
 * formats: first the codes, a vector of sixteen bytes a column, for as many columns as are whole blocks of I2_S and whole
 * triples; then blocks of them, whose columns j, 32 + j, 64 + j, 96 + j are byte j, transposed to rows.
 */
#include <string.h>

#include "formats/i2s.h"
#include "formats/tl1.h"
#include "formats/tl2.h"
#include "kernels.h"
#include "ops/lanes.h"

enum { ROWS = 16, WINDOW = 3 * BN_I2S_BLOCK, BYTES = BN_I2S_BLOCK_BYTES };

typedef int8_t rows16 __attribute__((vector_size(ROWS)));
typedef int16_t words16 __attribute__((vector_size(2 * ROWS)));

BN_INLINE rows16 load_rows(const uint8_t *w)
{
    rows16 v;
    memcpy(&v, w, sizeof v);
    return v;
}

BN_INLINE rows16 high_nibbles(rows16 v)
{
    typedef uint16_t pairs_of_bytes __attribute__((vector_size(ROWS)));
    return (rows16)((pairs_of_bytes)v >> 4) & 15;
}

/* The smaller of v and `most`, one by one. */
BN_INLINE rows16 at_most(rows16 v, int8_t most)
{
    const rows16 more = v > most;
    return (v & ~more) | (more & most);
}

/* The codes of a pair of columns; an index without meaning becomes 2, 3. */
BN_INLINE void codes_of_pair(rows16 index, rows16 *codes)
{
    const rows16 v = at_most(index, 9), three = v > 2, six = v > 5;
    codes[0] = -(three + six);
    codes[1] = v - (three & 3) - (six & 3);
}

/* Four columns from bytes of two pairs. */
BN_INLINE void codes_of_pairs(rows16 bytes, rows16 *codes)
{
    codes_of_pair(high_nibbles(bytes), codes);
    codes_of_pair(bytes & 15, codes + 2);
}

/* The codes of a triple of columns, those under `negative` negated; an index without meaning becomes 2, 2, 3. */
BN_INLINE void codes_of_triple(rows16 index, rows16 negative, rows16 *codes)
{
    const rows16 minus = negative & (index < 14), v = 13 + (at_most(index, 14) ^ minus) - minus;
    const rows16 nine = v > 8, eighteen = v > 17, rest = v - (nine & 9) - (eighteen & 9), three = rest > 2, six = rest > 5;
    codes[0] = -(nine + eighteen);
    codes[1] = -(three + six);
    codes[2] = rest - (three & 3) - (six & 3);
}

/* Whether the sign of triple t of 8 is set, for the rows whose words these are, shifted to the top for t = 0. */
BN_INLINE rows16 negative(words16 signs, int t)
{
    return __builtin_convertvector((signs << 2 * t) < 0, rows16);
}

#define INTERLEAVE_LOW(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* Sixteen bytes of each of sixteen rows; after four rounds of interleaving vector r holds row r. */
BN_INLINE void transpose(rows16 v[ROWS])
{
#pragma GCC unroll 4
    for (int round = 0; round < 4; round++) {
        rows16 next[ROWS];
#pragma GCC unroll 8
        for (size_t i = 0; i < ROWS / 2; i++) {
            next[2 * i] = INTERLEAVE_LOW(v[i], v[i + ROWS / 2]);
            next[2 * i + 1] = INTERLEAVE_HIGH(v[i], v[i + ROWS / 2]);
        }
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) v[i] = next[i];
    }
}

/* `cols` columns of sixteen rows in whole blocks, the last filled up with codes 0. */
BN_INLINE void store_blocks(rows16 *codes, size_t cols, uint8_t *restrict i2s, size_t row_bytes)
{
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        if (cols - k < BN_I2S_BLOCK) memset(codes + cols, 0, (BN_I2S_BLOCK - (cols - k)) * sizeof *codes);
        for (size_t half = 0; half < BYTES; half += ROWS) {
            rows16 bytes[ROWS];
            for (size_t j = 0; j < ROWS; j++) {
                const rows16 *c = codes + k + half + j;
                rows16 byte = c[0];
                for (size_t g = 1; g < 4; g++) byte = byte + byte, byte = byte + byte, byte |= c[g * BYTES];
                bytes[j] = byte;
            }
            transpose(bytes);
            for (size_t r = 0; r < ROWS; r++) memcpy(i2s + r * row_bytes + k / 4 + half, &bytes[r], sizeof bytes[r]);
        }
    }
}

void BN_LANES_NAME(unpack_tl1)(const bn_matrix *restrict weight, size_t row, size_t rows, uint8_t *restrict i2s)
{
    const size_t cols = (size_t)weight->cols, row_bytes = bn_i2s_row_bytes(cols), band = (size_t)weight->tiles.band;
    const size_t tile_rows = (size_t)weight->tiles.rows, tile_cols = (size_t)weight->tiles.cols;
    rows16 codes[WINDOW];
    for (const size_t end = row + rows; row < end; row += ROWS, i2s += ROWS * row_bytes) {
        const size_t first = row / tile_rows * tile_rows, inside = row - first;
        const uint8_t *w = (const uint8_t *)weight->data + first * cols / 4 + inside / band * band * tile_cols / 4;
        const size_t r = inside % band;
        for (size_t k = 0, c = 0; k < cols; k += WINDOW) {
            const size_t some = cols - k < WINDOW ? cols - k : WINDOW;
            for (size_t j = 0; j < some; j += 4, c += 4) {
                if (c == tile_cols) c = 0, w += tile_rows * tile_cols / 4;
                codes_of_pairs(load_rows(w + bn_tl1_byte(band, r, c)), codes + j);
            }
            store_blocks(codes, some, i2s + k / 4, row_bytes);
        }
    }
}

/* The bytes of sixteen rows of a unit: the even or the odd groups of eight. */
BN_INLINE rows16 rows_of_unit(const uint8_t *unit, size_t high)
{
    uint8_t bytes[ROWS];
    memcpy(bytes, unit + 8 * high, 8);
    memcpy(bytes + 8, unit + 16 + 8 * high, 8);
    return load_rows(bytes);
}

/* The 24 columns of a unit of signs. */
BN_INLINE void codes_of_triples(const uint8_t *units, const uint8_t *signs, size_t high, rows16 *codes)
{
    words16 words;
    memcpy(&words, signs, sizeof words);
    words <<= (int)high;
    for (int t = 0; t < 8; t += 2, units += BN_TL2_UNIT) {
        const rows16 bytes = rows_of_unit(units, high);
        codes_of_triple(high_nibbles(bytes), negative(words, t), codes + 3 * t);
        codes_of_triple(bytes & 15, negative(words, t + 1), codes + 3 * t + 3);
    }
}

void BN_LANES_NAME(unpack_tl2)(const bn_matrix *restrict weight, size_t row, size_t rows, uint8_t *restrict i2s)
{
    const size_t cols = (size_t)weight->cols, row_bytes = bn_i2s_row_bytes(cols), tile_cols = (size_t)weight->tiles.cols;
    const size_t cols3 = bn_tl2_cols3(weight->tiles, cols);
    const uint8_t *w = weight->data;
    rows16 codes[WINDOW];
    for (const size_t end = row + rows; row < end; row += ROWS, i2s += ROWS * row_bytes) {
        const size_t high = row / ROWS % 2;
        const bn_tl2_band at = bn_tl2_band_at(weight->tiles, (size_t)weight->rows, cols, row / BN_TL2_BAND * BN_TL2_BAND);
        for (size_t k = 0; k < cols; k += WINDOW) {
            const size_t some = cols - k < WINDOW ? cols - k : WINDOW;
            size_t j = 0;
            for (; j < some && k + j < cols3; j += BN_TL2_SIGN_COLS) {
                const size_t tile = (k + j) / tile_cols, c = (k + j) % tile_cols;
                codes_of_triples(w + at.indices + tile * at.next_indices + c / BN_TL2_TRIPLE_COLS * BN_TL2_UNIT,
                                 w + at.signs + tile * at.next_signs + c / BN_TL2_SIGN_COLS * BN_TL2_UNIT, high, codes + j);
            }
            for (; j < some; j += BN_TL2_PAIR_COLS) {
                const size_t c = k + j - cols3, tile = c / BN_TL2_PAIR_TILE, inside = c % BN_TL2_PAIR_TILE;
                const uint8_t *unit = w + at.pairs + tile * at.next_pairs + inside / BN_TL2_PAIR_COLS * BN_TL2_UNIT;
                codes_of_pairs(rows_of_unit(unit, high), codes + j);
            }
            store_blocks(codes, some, i2s + k / 4, row_bytes);
        }
    }
}
