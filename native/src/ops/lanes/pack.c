/*
 * Weights and activations laid out for GEMM_PACKED (formats/packed.h). Bytes of I2_S hold columns j, 32 + j, 64 + j and
 * 96 + j of a block, those of a line j, 4 + j, 8 + j and 12 + j of 16 columns: the four fields of four bytes change places
 * (unpack.c goes the other way).
 */
#include "formats/i2s.h"
#include "formats/packed.h"
#include "kernels.h"
#include "ops/lanes.h"

enum { ROWS = BN_PACKED_GROUP, DWORDS = BN_I2S_BLOCK_BYTES / 4, STRIP = BN_PACKED_STRIP };

/* ---- weights ---- */

/* The block at w, and at each of the next rows, as dwords; rows from `rows` on are zeros. */
BN_INLINE void load_block(const uint8_t *restrict w, size_t row_bytes, size_t rows, uint32_t dwords[DWORDS][ROWS])
{
    for (size_t r = 0; r < ROWS; r++) {
        uint32_t row[DWORDS] = {0};
        if (r < rows) memcpy(row, w + r * row_bytes, sizeof row);
        for (size_t d = 0; d < DWORDS; d++) dwords[d][r] = row[d];
    }
}

/* out[g], bits 2s = x[s], bits 6 - 2g, in every byte. */
BN_INLINE void transpose_fields(uint32_t x[4][ROWS], uint32_t out[4][ROWS])
{
    const uint32_t nibble = 0x0F0F0F0F, field = 0x33333333;
    for (size_t r = 0; r < ROWS; r++) {
        const uint32_t early_low = (x[0][r] >> 4 & nibble) | (x[2][r] & ~nibble);
        const uint32_t early_high = (x[1][r] >> 4 & nibble) | (x[3][r] & ~nibble);
        const uint32_t late_low = (x[0][r] & nibble) | (x[2][r] & nibble) << 4;
        const uint32_t late_high = (x[1][r] & nibble) | (x[3][r] & nibble) << 4;
        out[0][r] = (early_low >> 2 & field) | (early_high & ~field);
        out[1][r] = (early_low & field) | (early_high & field) << 2;
        out[2][r] = (late_low >> 2 & field) | (late_high & ~field);
        out[3][r] = (late_low & field) | (late_high & field) << 2;
    }
}

/* A line of codes as a line of entries, two fields at a time: c + 4 d -> c + 3 d, then 9 times the upper pair. */
BN_INLINE void entries(const uint32_t line[ROWS], uint32_t index[ROWS])
{
    const uint32_t nibble = 0x0F0F0F0F, low = 0x03030303;
    for (size_t r = 0; r < ROWS; r++) {
        const uint32_t a = line[r] & nibble, b = line[r] >> 4 & nibble;
        index[r] = a - (a >> 2 & low) + (b - (b >> 2 & low)) * 9;
    }
}

void BN_LANES_NAME(pack_weights)(const uint8_t *restrict i2s, size_t cols, size_t rows, size_t first, size_t panel_rows,
                                 uint8_t *restrict panel)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    uint32_t threes[ROWS] = {0};
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        uint32_t dwords[DWORDS][ROWS], lines[2][4][ROWS];
        load_block(i2s + k / 4, row_bytes, rows, dwords);
        for (size_t half = 0; half < 2; half++) transpose_fields(dwords + 4 * half, lines[half]);
        for (size_t l = 0; l < 2 * 4; l++) {
            const uint32_t *line = lines[l % 2][l / 2];
            const size_t column = k + BN_PACKED_COLS * l;
            uint32_t index[ROWS];
            entries(line, index);
            for (size_t r = 0; r < ROWS; r++) threes[r] |= line[r] & line[r] >> 1 & 0x55555555;
            memcpy(panel + bn_packed_lines(panel_rows, cols, first, column), line, sizeof index);
            memcpy(panel + bn_packed_index(panel_rows, cols, first, column), index, sizeof index);
        }
    }
    uint32_t any = 0;
    for (size_t r = 0; r < ROWS; r++) any |= threes[r];
    panel[first / ROWS] = any != 0;
}

/* ---- activations ---- */

void BN_LANES_NAME(pack_tokens)(const int8_t *restrict q, size_t q_stride, size_t cols, size_t n,
                                int8_t *restrict block)
{
    for (size_t s = 0; s < BN_PACKED_BLOCK; s += STRIP) {
        const size_t rows = n < s ? 0 : n - s < STRIP ? n - s : STRIP;
        for (size_t k = 0; k < cols; k += 4 * STRIP) {
            uint32_t to[STRIP][STRIP] = {0};
            for (size_t r = 0; r < rows; r++) {
                uint32_t from[STRIP];
                memcpy(from, q + (s + r) * q_stride + k, sizeof from);
                for (size_t d = 0; d < STRIP; d++) to[d][r] = from[d];
            }
            memcpy(block + bn_packed_token(cols, s, k), to, sizeof to);
        }
    }
}
