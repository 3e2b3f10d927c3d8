/*
 * Rows of the other ternary formats as rows of I2_S, for products of several rows of activations.
 *
 * Bytes of I2_S hold columns j, 32 + j, 64 + j, 96 + j of a block, from the top two bits down. In I2_R16 and I2_C the
 * four columns are the same two bits of four bytes, whose other bits make other bytes of I2_S:
 *
 *     four bytes          fields 0 .. 3 (bits 2s)      byte s of I2_S, bits 7 6   5 4   3 2   1 0
 *     I2_R16, a row       columns j, 4 + j, ...        of column 4 s + j
 *     I2_C, a column      rows b, W / 4 + b, ...       of row s W / 4 + b
 *
 * Everything is done to the dwords of some rows at a time, four dwords, half a block, that are then put row after row.
 */
#include "formats/b3r80.h"
#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "kernels.h"
#include "ops/dwords.h"

enum {
    AHEAD = 8192, /* bytes between what is unpacked and what is asked for */
    ROWS = BN_I2R16_ROWS,
    HALF = BN_I2S_BLOCK_BYTES / 2
};

/* out[s], bits 6 - 2g = x[g], bits 2s, in every byte. */
BN_INLINE void transpose_fields(const bn_dwords x[4], bn_dwords out[4])
{
    const uint32_t nibble = 0x0F0F0F0F, field = 0x33333333;
    const bn_dwords low_even = (x[0] & nibble) << 4 | (x[2] & nibble), high_even = (x[0] & ~nibble) | (x[2] >> 4 & nibble);
    const bn_dwords low_odd = (x[1] & nibble) << 4 | (x[3] & nibble), high_odd = (x[1] & ~nibble) | (x[3] >> 4 & nibble);
    out[0] = (low_even & field) << 2 | (low_odd & field);
    out[1] = (low_even & ~field) | (low_odd >> 2 & field);
    out[2] = (high_even & field) << 2 | (high_odd & field);
    out[3] = (high_even & ~field) | (high_odd >> 2 & field);
}

void BN_LANES_NAME(unpack_i2r16)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < rows; i += ROWS) {
        for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
            const size_t lines = (cols - k) / BN_I2R16_COLS; /* in the block, or more */
            for (size_t l = 0; l < BN_I2S_BLOCK / BN_I2R16_COLS; l++) __builtin_prefetch(w + AHEAD + BN_I2R16_LINE * l);
            for (size_t half = 0; half < 2; half++) {
                for (size_t r = 0; r < ROWS; r += BN_VECTOR) {
                    bn_dwords quad[4] = {{0}}, out[4];
                    for (size_t g = 0; g < 4 && 2 * g + half < lines; g++)
                        quad[g] = bn_dwords_load(w + BN_I2R16_LINE * (2 * g + half) + 4 * r);
                    transpose_fields(quad, out);
                    bn_dwords_to_rows(out, i2s + (i + r) * row_bytes + k / 4 + HALF * half, row_bytes);
                }
            }
            w += BN_I2R16_LINE * (lines < BN_I2S_BLOCK / BN_I2R16_COLS ? lines : BN_I2S_BLOCK / BN_I2R16_COLS);
        }
    }
}

/* Columns k .. k + 3, of some bytes at w each, as dwords; columns from `cols` on are zeros. */
BN_INLINE bn_dwords side_by_side(const uint8_t *restrict w, size_t bytes, size_t k, size_t cols)
{
    const uint8_t *restrict column = w + k * bytes;
    if (k >= cols) return (bn_dwords){0};
    return bn_dwords_from_bytes(column) | bn_dwords_from_bytes(column + bytes) << 8 |
           bn_dwords_from_bytes(column + 2 * bytes) << 16 | bn_dwords_from_bytes(column + 3 * bytes) << 24;
}

void BN_LANES_NAME(unpack_i2c)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), bytes = rows / 4;
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        for (size_t b = 0; b < bytes; b += BN_VECTOR) {
            for (size_t half = 0; half < 2; half++) {
                bn_dwords parts[4][4]; /* of rows s W / 4 + b ..: dwords 0 .. 3 of the half */
                for (size_t d = 0; d < 4; d++) {
                    bn_dwords quad[4], out[4];
                    for (size_t g = 0; g < 4; g++)
                        quad[g] = side_by_side(w + b, bytes, k + 32 * g + HALF * half + 4 * d, cols);
                    transpose_fields(quad, out);
                    for (size_t s = 0; s < 4; s++) parts[s][d] = out[s];
                }
                for (size_t s = 0; s < 4; s++)
                    bn_dwords_to_rows(parts[s], i2s + (s * bytes + b) * row_bytes + k / 4 + HALF * half, row_bytes);
            }
        }
    }
}

/* v modulo m, v < 3 m: the smallest of v, v - m and v - 2 m, as what goes below 0 comes back above v. */
BN_INLINE uint8_t modulo(uint8_t v, uint8_t m)
{
    const uint8_t once = (uint8_t)(v - m), twice = (uint8_t)(v - 2 * m), least = v < once ? v : once;
    return least < twice ? least : twice;
}

/* The digits of a line of B3_R80, those of each group of sixteen rows by themselves. */
BN_INLINE void digits_of_line(const uint8_t *restrict w, uint8_t digits[BN_B3R80_DIGITS][BN_B3R80_LINE])
{
    for (size_t b = 0; b < BN_B3R80_LINE; b++) {
        const uint8_t by_81 = modulo(w[b], 81), by_27 = modulo(by_81, 27), by_9 = modulo(by_27, 9);
        const uint8_t d1 = (uint8_t)(by_9 - modulo(by_9, 3)), d2 = (uint8_t)(by_27 - by_9);
        const uint8_t d3 = (uint8_t)(by_81 - by_27), d4 = (uint8_t)(w[b] - by_81);
        digits[0][b] = (uint8_t)(by_9 - d1);
        digits[1][b] = (uint8_t)((d1 >> 1) - (d1 >> 2)); /* of 3 and 6   */
        digits[2][b] = d2 >> 3;                          /* of 9 and 18  */
        digits[3][b] = (uint8_t)((d3 >> 4) - (d3 >> 5)); /* of 27 and 54 */
        digits[4][b] = d4 >> 6;                          /* of 81 and 162 */
    }
}

/* A block is 32 lines, of which lines d, 8 + d, 16 + d and 24 + d make dword d of I2_S. */
void BN_LANES_NAME(unpack_b3r80)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s)
{
    enum { LINES = BN_I2S_BLOCK / BN_B3R80_COLS, DWORDS = BN_I2S_BLOCK_BYTES / 4 };
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS) {
        const size_t groups = bn_b3r80_groups(rows - i);
        for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
            const size_t left = (cols - k) / BN_B3R80_COLS, lines = left < LINES ? left : LINES;
            uint8_t digits[LINES][BN_B3R80_DIGITS][BN_B3R80_LINE];
            for (size_t l = 0; l < lines; l++) {
                __builtin_prefetch(w + AHEAD + BN_B3R80_LINE * l);
                digits_of_line(w + BN_B3R80_LINE * l, digits[l]);
            }
            memset(digits[lines], 0, (LINES - lines) * sizeof digits[0]);
            w += BN_B3R80_LINE * lines;
            for (size_t g = 0; g < groups; g++) {
                for (size_t r = 0; r < BN_B3R80_GROUP; r += BN_VECTOR) {
                    for (size_t half = 0; half < 2; half++) {
                        bn_dwords part[4];
                        for (size_t d = 0; d < 4; d++) {
                            part[d] = (bn_dwords){0};
                            for (size_t l = 4 * half + d; l < LINES; l += DWORDS)
                                part[d] = part[d] << 2 | bn_dwords_load(digits[l][g] + 4 * r);
                        }
                        uint8_t *to = i2s + (i + BN_B3R80_GROUP * g + r) * row_bytes + k / 4 + HALF * half;
                        bn_dwords_to_rows(part, to, row_bytes);
                    }
                }
            }
        }
    }
}
