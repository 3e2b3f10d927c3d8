/*
 * Rows of the other ternary formats as rows of I2_S, for products of several rows of activations.
 *
 * Bytes of I2_S hold columns j, 32 + j, 64 + j, 96 + j of a block, from the top two bits down. In both formats here the
 * four columns are the same two bits of four bytes, whose other bits make other bytes of I2_S:
 *
 *     four bytes          fields 0 .. 3 (bits 2s)      byte s of I2_S, bits 7 6   5 4   3 2   1 0
 *     I2_R16, a row       columns j, 4 + j, ...        of column 4 s + j
 *     I2_C, a column      rows b, W / 4 + b, ...       of row s W / 4 + b
 *
 * Everything is done to the dwords of sixteen rows at a time; the eight dwords of a block are then put row after row.
 */
#include "formats/i2c.h"
#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "kernels.h"
#include "ops/lanes.h"

enum { ROWS = BN_I2R16_ROWS, DWORDS = BN_I2S_BLOCK_BYTES / 4, LINES = BN_I2S_BLOCK / BN_I2R16_COLS };

/* out[s], bits 6 - 2g = x[g], bits 2s, in every byte. */
BN_INLINE void transpose_fields(uint32_t x[4][ROWS], uint32_t out[4][ROWS])
{
    const uint32_t nibble = 0x0F0F0F0F, field = 0x33333333;
    for (size_t r = 0; r < ROWS; r++) {
        const uint32_t low_even = (x[0][r] & nibble) << 4 | (x[2][r] & nibble);
        const uint32_t low_odd = (x[1][r] & nibble) << 4 | (x[3][r] & nibble);
        const uint32_t high_even = (x[0][r] & ~nibble) | (x[2][r] >> 4 & nibble);
        const uint32_t high_odd = (x[1][r] & ~nibble) | (x[3][r] >> 4 & nibble);
        out[0][r] = (low_even & field) << 2 | (low_odd & field);
        out[1][r] = (low_even & ~field) | (low_odd >> 2 & field);
        out[2][r] = (high_even & field) << 2 | (high_odd & field);
        out[3][r] = (high_even & ~field) | (high_odd >> 2 & field);
    }
}

/* A block of sixteen rows. */
BN_INLINE void store_rows(uint32_t dwords[DWORDS][ROWS], uint8_t *restrict i2s, size_t row_bytes)
{
    for (size_t r = 0; r < ROWS; r++) {
        uint32_t row[DWORDS];
        for (size_t d = 0; d < DWORDS; d++) row[d] = dwords[d][r];
        memcpy(i2s + r * row_bytes, row, sizeof row);
    }
}

void BN_LANES_NAME(unpack_i2r16)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < rows; i += ROWS) {
        for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
            const size_t lines = cols - k < BN_I2S_BLOCK ? (cols - k) / BN_I2R16_COLS : LINES;
            uint32_t quad[2][4][ROWS] = {0}, dwords[DWORDS][ROWS];
            for (size_t l = 0; l < lines; l++) memcpy(quad[l % 2][l / 2], w + BN_I2R16_LINE * l, BN_I2R16_LINE);
            for (size_t half = 0; half < 2; half++) transpose_fields(quad[half], dwords + 4 * half);
            store_rows(dwords, i2s + i * row_bytes + k / 4, row_bytes);
            w += BN_I2R16_LINE * lines;
        }
    }
}

/* Columns k .. k + 3, of sixteen bytes at w each, as dwords; columns from `cols` on are zeros. */
BN_INLINE void side_by_side(const uint8_t *restrict w, size_t bytes, size_t k, size_t cols, uint32_t dwords[ROWS])
{
    const uint8_t *restrict column = w + k * bytes;
    for (size_t b = 0; b < ROWS; b++)
        dwords[b] = k >= cols ? 0
                              : (uint32_t)column[b] | (uint32_t)column[bytes + b] << 8 |
                                    (uint32_t)column[2 * bytes + b] << 16 | (uint32_t)column[3 * bytes + b] << 24;
}

void BN_LANES_NAME(unpack_i2c)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), bytes = rows / 4;
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        for (size_t b = 0; b < bytes; b += ROWS) {
            uint32_t dwords[4][DWORDS][ROWS];
            for (size_t d = 0; d < DWORDS; d++) {
                uint32_t quad[4][ROWS], out[4][ROWS];
                for (size_t g = 0; g < 4; g++) side_by_side(w + b, bytes, k + 32 * g + 4 * d, cols, quad[g]);
                transpose_fields(quad, out);
                for (size_t s = 0; s < 4; s++) memcpy(dwords[s][d], out[s], sizeof out[s]);
            }
            for (size_t s = 0; s < 4; s++)
                store_rows(dwords[s], i2s + (s * bytes + b) * row_bytes + k / 4, row_bytes);
        }
    }
}
